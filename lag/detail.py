"""The consumer that is open: its hour as charts, and the facts beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kit import deployments
from kit.formats import age, clock_seconds, clock_time, count, plural
from lag import queries
from lag.models import Standing

HOUR = timedelta(hours=1)
POINTS = 120
MINUTES_FROM_S = 180  # ages above are drawn in minutes


@dataclass(frozen=True)
class Detail:
    """What an open row shows."""

    facts: list[tuple[str, str]]
    age_chart: dict[str, Any] | None  # None: too little history
    age_unit: str
    age_words: str
    rate_chart: dict[str, Any] | None
    rate_words: str


def detail(row: Standing, now: datetime) -> Detail:
    """The last hour of one consumer of one topic, and what is known of it now."""
    points = queries.history(row.consumer, now - HOUR, POINTS, topic=row.topic, broker=row.broker)
    ages = [point.oldest_s for point in points]
    highest = max((value for value in ages if value is not None), default=0.0)
    minutes = highest > MINUTES_FROM_S
    scale = 60 if minutes else 1
    x = [int(point.at.timestamp()) for point in points]
    marks = [*deployments.marks(now - HOUR, now), *_marks(row, x)]
    drawn = len(points) > 1
    y = [None if value is None else round(value / scale, 2) for value in ages]
    age_chart = {"x": x, "axis": 30, "series": [_line("age", y, row)], "marks": marks}
    come = [_rounded(point.in_per_min) for point in points]
    go = [_rounded(point.out_per_min) for point in points]
    rate_chart = {
        "x": x,
        "series": [
            {"name": "in", "y": come, "tone": "--c-work"},
            {"name": "out", "y": go, "tone": _tone(row), "dash": [5, 3]},
        ],
        "marks": marks,
    }
    return Detail(
        facts=_facts(row, now),
        age_chart=age_chart if drawn else None,
        age_unit="minutes" if minutes else "seconds",
        age_words=f"at most {age(highest)} in the last hour, now {age(row.oldest_s)}",
        rate_chart=rate_chart if drawn else None,
        rate_words=f"in {_words(row.in_per_min)} a minute, out {_words(row.out_per_min)}",
    )


def _line(name: str, values: list[float | None], row: Standing) -> dict[str, Any]:
    return {"name": name, "y": values, "tone": _tone(row), "area": True}


def _tone(row: Standing) -> str:
    tones = {
        "falling_behind": "--c-warn-fill",
        "rewound": "--c-warn-fill",
        "stalled": "--c-bad-fill",
        "stopped": "--c-bad-fill",
        "catching_up": "--c-run-fill",
    }
    return tones.get(row.verdict, "--c-work")


def _marks(row: Standing, x: Sequence[int]) -> list[dict[str, Any]]:
    """Where the verdict began, its word on the side that has room."""
    at = int(row.since.timestamp())
    if row.verdict == "ok" or not x or not x[0] <= at <= x[-1]:
        return []
    side = "left" if at - x[0] > x[-1] - at else "right"
    word = row.verdict.replace("_", " ")
    return [{"t": at, "text": word, "tone": _tone(row), "side": side}]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _words(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.0f}"


def _facts(row: Standing, now: datetime) -> list[tuple[str, str]]:
    facts = [("Rule", row.rule), ("Since", clock_seconds(row.since))]
    pace = _pace(row, now)
    if pace:
        facts.append(("At this pace", pace))
    facts.append(("Pending", _pending(row)))
    facts.append(("Lost unread", _lost(row)))
    facts.append(("Processes", _processes(row)))
    facts.append(("Partitions", count(row.streams)))
    return facts


def _pace(row: Standing, now: datetime) -> str:
    """When it will be an hour behind, or level again."""
    if row.verdict == "catching_up" and row.drain_s:
        return f"level at {clock_time(now + timedelta(seconds=row.drain_s), now)}"
    if row.verdict != "falling_behind" or row.oldest_s is None or not row.in_per_min:
        return ""
    slope = 1 - (row.out_per_min or 0.0) / row.in_per_min  # seconds of age a second
    if slope <= 0.01:
        return "keeps its distance"
    hours = int(row.oldest_s // 3600) + 1
    at = now + timedelta(seconds=(hours * 3600 - row.oldest_s) / slope)
    return f"{hours} h behind at {clock_time(at, now)}"


def _pending(row: Standing) -> str:
    if not row.pending:
        return "none" if row.pending == 0 else "unknown"
    words = f"{count(row.pending)}, oldest {age(row.oldest_pending_s)}"
    lost = f"; {plural(row.payload_lost, 'payload')} lost" if row.payload_lost else ""
    return words + lost


def _lost(row: Standing) -> str:
    if row.lost is None:
        return "unknown: this broker does not count"
    return f"at least {count(row.lost)}, trimmed before it read them" if row.lost else "none seen"


def _processes(row: Standing) -> str:
    if row.processes is None:
        return "unknown"
    if not row.members:
        return "none"
    idle = [age(member["idle_s"]) for member in row.members[:3]]
    more = " …" if len(row.members) > 3 else ""
    return f"{count(row.processes)}, idle {', '.join(idle)}{more}"
