"""Every rule of the verdict, at its edges. Samples come every 5 s; time is made up."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lag.evaluate import SEVERITY, Before, Facts, Judgement, Verdict, gone, judge
from lag.trend import Point

NOW = datetime(2026, 8, 18, 14, 36, 20, tzinfo=UTC)
STEP = timedelta(seconds=5)
FACTS = Facts(messages=30, pending=2, oldest_s=100, idle_s=(1.0, 2.0), still_s=3)


def at(points: int, index: int) -> datetime:
    return NOW - STEP * (points - 1 - index)


def samples(
    ages: Sequence[float | None],
    come_per_min: float = 40,
    go_per_min: float | None = 40,
) -> list[Point]:
    made = []
    for index, age_s in enumerate(ages):
        minutes = index * STEP / timedelta(minutes=1)
        handled = None if go_per_min is None else round(go_per_min * minutes)
        made.append(Point(at(len(ages), index), age_s, round(come_per_min * minutes), handled))
    return made


def verdict(
    ages: Sequence[float | None],
    *,
    before: str = "",
    come: float = 40,
    go: float | None = 40,
    **facts: object,
) -> Judgement:
    known = replace(FACTS, oldest_s=ages[-1], **facts)  # type: ignore[arg-type]
    previous = Before(before, NOW - timedelta(minutes=9)) if before else None
    return judge(samples(ages, come, go), known, previous)


RISING = [5.0 * n for n in range(13)]  # to 60 s within 60 s
FALLING = [200.0 - 5 * n for n in range(13)]
LEVEL = [60.0 + n % 2 for n in range(13)]


@pytest.mark.parametrize(
    ("name", "found", "expected"),
    [
        ("nothing waits", verdict([0.0], messages=0, pending=0), "ok"),
        ("nothing waits, no process", verdict([0.0], messages=0, pending=0, idle_s=()), "ok"),
        ("nothing waits, long still", verdict([0.0], messages=0, pending=0, still_s=9e4), "ok"),
        ("waits within bounds", verdict([19.0] * 3), "ok"),
        ("grows within bounds", verdict([n * 1.5 for n in range(13)]), "ok"),
        ("just late, level", verdict(LEVEL), "ok"),
        ("grows beyond bounds", verdict(RISING, go=10), "falling_behind"),
        ("grows but too few samples", verdict(RISING[-3:], go=10), "unknown"),
        ("one sample with lag is not stopped", verdict([500.0]), "unknown"),
        ("gets younger", verdict(FALLING), "catching_up"),
        (
            "one decrease does not hide growth",
            verdict([*RISING[:6], 20, *RISING[7:]], go=9),
            "falling_behind",
        ),
        ("a backlog of one moment that drains", verdict(RISING, come=0, go=900), "catching_up"),
        ("very late and level", verdict([600.0 + n % 2 for n in range(13)]), "falling_behind"),
        ("no new trend keeps falling", verdict(LEVEL, before="falling_behind"), "falling_behind"),
        ("no new trend keeps catching up", verdict(LEVEL, before="catching_up"), "catching_up"),
        (
            "after a restart of the sampler it stays",
            verdict([60.0], before="falling_behind"),
            "falling_behind",
        ),
        ("no process at all", verdict(RISING, idle_s=(), still_s=60), "stopped"),
        ("no process, but only just", verdict([5.0], idle_s=(), still_s=5), "ok"),
        ("all processes silent", verdict(RISING, idle_s=(61.0, 300.0), still_s=61), "stopped"),
        ("one process speaks", verdict(RISING, idle_s=(3.0, 300.0), still_s=61), "stalled"),
        ("speaks and handles nothing", verdict(RISING, still_s=60), "stalled"),
        ("handled something lately", verdict(RISING, still_s=59, go=5), "falling_behind"),
        ("low traffic: first message after an hour", verdict([1.0], still_s=3600), "ok"),
        (
            "low traffic: a silent process, a young message",
            verdict([2.0], idle_s=(3000.0,), still_s=3600),
            "ok",
        ),
        ("processes unknown, nothing handled", verdict(RISING, idle_s=None, still_s=90), "stalled"),
        ("age unknown", verdict([None] * 13), "unknown"),
        (
            "all unknown",
            verdict([None], messages=None, pending=None, idle_s=None, still_s=0),
            "unknown",
        ),
        ("age unknown, no process", verdict([None] * 13, idle_s=(), still_s=60), "stopped"),
        ("age unknown, nothing handled", verdict([None] * 13, still_s=200), "stalled"),
        ("set back", verdict(RISING, set_back_to="5-0"), "rewound"),
        (
            "set back and level again",
            verdict([0.0], messages=0, pending=0, set_back_to="5-0"),
            "ok",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_table(name: str, found: Judgement, expected: str) -> None:
    assert found.verdict == expected, f"{name}: {found}"


def test_reasons_are_words_with_numbers() -> None:
    behind = verdict(RISING, go=15)
    assert behind.reason == "handles 15 of 40 a minute"
    assert behind.rule == "grew in 12 of 12 samples, 1\xa0min in 1\xa0min"
    assert verdict(RISING, go=None).reason == "oldest waits 1\xa0min, and longer each time"
    assert verdict(RISING, go=0, still_s=40).reason == "nothing handled for 40\xa0s"
    assert verdict(RISING, idle_s=(90.0,), still_s=90).reason == "silent for 1\xa0min\xa030\xa0s"
    stalled = verdict(RISING, still_s=180)
    assert stalled.reason == "2\xa0processes, nothing handled for 3\xa0min"
    assert verdict([None], why_unknown="its messages carry no time").reason == (
        "its messages carry no time"
    )
    assert verdict([0.0], messages=0, pending=0).reason == ""


def test_time_to_drain() -> None:
    catching = verdict([300.0 - 20 * n for n in range(13)], come=40, go=100)
    assert catching.drain_s == pytest.approx(32, abs=1)
    assert "done in 32" in catching.reason
    assert verdict(RISING, go=10).drain_s is None  # never
    assert verdict([0.0], messages=0, pending=0).drain_s == 0


def test_since_is_kept_while_the_verdict_is_and_else_begins() -> None:
    kept = verdict(RISING, go=10, before="falling_behind")
    assert kept.since == NOW - timedelta(minutes=9)
    fresh = verdict(RISING, go=10, before="ok")
    assert fresh.since == at(13, 1)  # when its age was last small
    assert verdict([0.0], messages=0, pending=0, before="stalled").since == NOW


def test_a_restart_makes_no_rate() -> None:
    points = samples([1.0] * 13)
    points[6] = replace(points[6], arrived=None, handled=None)
    points[7:] = [replace(p, arrived=(p.arrived or 0) + 10**6) for p in points[7:]]
    found = judge(points, replace(FACTS, oldest_s=1.0), None)
    assert found.in_per_min == pytest.approx(40, abs=4)
    only_two = judge(points[-2:], replace(FACTS, oldest_s=1.0), None)
    assert only_two.in_per_min is None


def test_gone_keeps_its_since() -> None:
    first = gone("orders", Before("falling_behind", NOW - timedelta(hours=1)), NOW)
    assert (first.verdict, first.since) == (Verdict.GONE, NOW)
    again = gone("orders", Before("gone", NOW), NOW + timedelta(minutes=5))
    assert again.since == NOW
    assert again.reason == "its group left orders at 14:36"


def test_every_verdict_has_a_rank() -> None:
    assert set(SEVERITY) == set(Verdict)
