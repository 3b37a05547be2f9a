"""What others may ask of lag: all of it the present rows, never the broker."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from kit import clock
from lag.evaluate import SEVERITY, TROUBLE
from lag.models import Depth, Position, Sample, Snapshot, Standing, Stream
from lag.trend import per_minute

_RANK = Case(
    *(When(verdict=verdict.value, then=Value(rank)) for rank, verdict in enumerate(SEVERITY)),
    default=Value(len(SEVERITY)),
    output_field=IntegerField(),
)


@dataclass(frozen=True)
class HistoryPoint:
    """One stretch of a consumer's history; None is unknown."""

    at: datetime  # its end
    messages: int | None
    oldest_s: float | None
    in_per_min: float | None
    out_per_min: float | None


def standings() -> QuerySet[Standing]:
    """Every consumer of every topic with its verdict, worst first."""
    return Standing.objects.annotate(rank=_RANK).order_by("rank", "-oldest_s", "topic", "consumer")


def troubled() -> list[Standing]:
    """The consumers somebody should look at: stalled, stopped, falling behind, rewound."""
    return list(standings().filter(verdict__in=[verdict.value for verdict in TROUBLE]))


def trouble_count() -> int:
    """How many consumers somebody should look at; one on several topics is one."""
    rows = Standing.objects.filter(verdict__in=[verdict.value for verdict in TROUBLE])
    return rows.values("broker", "consumer").distinct().count()


def positions() -> QuerySet[Position]:
    """Every consumer on every stream, as of the last round that succeeded."""
    return Position.objects.filter(_present()).order_by("broker", "stream", "consumer")


def streams() -> QuerySet[Stream]:
    """Every stream, as of the last round that succeeded."""
    return Stream.objects.filter(_present()).order_by("broker", "topic", "stream")


def depths() -> QuerySet[Depth]:
    """Every dead-letter queue on the brokers, deepest first."""
    return Depth.objects.order_by("-messages", "broker", "stream")


def snapshots() -> list[Snapshot]:
    """The last round of each broker."""
    return list(Snapshot.objects.order_by("broker"))


def newest_round() -> datetime | None:
    """When a round over any broker was last tried: the sampler lives."""
    newest = Snapshot.objects.order_by("-at").first()
    return newest.at if newest else None


def history(
    consumer: str,
    since: datetime,
    points: int = 60,
    *,
    topic: str | None = None,
    broker: str | None = None,
) -> list[HistoryPoint]:
    """A consumer since then in `points` equal stretches; empty ones are left out.

    Without a topic: the worst age and the sums over its topics.
    """
    rows = Sample.objects.filter(consumer=consumer, at__gte=since).order_by("at")
    if topic is not None:
        rows = rows.filter(topic=topic)
    if broker is not None:
        rows = rows.filter(broker=broker)
    step = max(timedelta(seconds=1), (clock.now() - since) / points)
    stretches: dict[int, list[Sample]] = {}
    for row in rows.iterator():
        stretches.setdefault(int((row.at - since) / step), []).append(row)
    return _points(since, step, stretches)


def _points(
    since: datetime, step: timedelta, stretches: dict[int, list[Sample]]
) -> list[HistoryPoint]:
    found: list[HistoryPoint] = []
    before: dict[str, Sample] = {}  # the last sample of each topic
    for slot in sorted(stretches):
        rows = stretches[slot]
        last = {row.topic: row for row in rows}
        ages = [row.oldest_s for row in rows]
        waiting = [row.messages for row in last.values()]
        found.append(
            HistoryPoint(
                at=since + (slot + 1) * step,
                messages=None if None in waiting else sum(n or 0 for n in waiting),
                oldest_s=None if None in ages else max(age or 0.0 for age in ages),
                in_per_min=_rate(before, rows, "arrived"),
                out_per_min=_rate(before, rows, "handled"),
            )
        )
        before = last
    return found


def _rate(before: dict[str, Sample], rows: list[Sample], counter: str) -> float | None:
    total = 0.0
    for topic in {row.topic for row in rows}:
        mine = [row for row in rows if row.topic == topic]
        counts = [*([before[topic]] if topic in before else []), *mine]
        rate = per_minute([(row.at, getattr(row, counter)) for row in counts])
        if rate is None:
            return None
        total += rate
    return total


def _present() -> Q:
    """Rows of the last round that succeeded, of each broker."""
    present = Q(pk__in=[])
    for snapshot in Snapshot.objects.exclude(sampled_at=None):
        present |= Q(broker=snapshot.broker, sampled_at__gte=snapshot.sampled_at)
    return present
