"""Lag as Prometheus metrics, from the rows of the last round: no broker is asked.

What is not known is absent and its `_known` twin is 0; ages are times, so that the scraper's
clock makes them ages. Series are capped and the rest is counted.
"""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from lag import queries
from lag.models import Depth, Position, Snapshot

MAX_CONSUMERS = 5_000  # consumer-stream pairs; each is about ten series
_PLACE = ("broker", "stream", "group")


def render(families: Iterable[Metric]) -> str:
    """The text that Prometheus reads, version 0.0.4."""
    registry = CollectorRegistry()
    registry.register(_Collected(list(families)))
    return generate_latest(registry).decode()


class _Collected(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families

    def describe(self) -> list[Metric]:
        """Nothing beforehand: without it, registering would collect."""
        return []


def families() -> Iterator[Metric]:
    """Everything lag has to say, as of the last round of each broker."""
    snapshots = queries.snapshots()
    failing = {snapshot.broker for snapshot in snapshots if snapshot.error}
    positions = list(queries.positions()[: MAX_CONSUMERS + 1])
    left_out = max(0, queries.positions().count() - MAX_CONSUMERS)
    yield from _consumers(positions[:MAX_CONSUMERS], failing)
    yield from _queues(list(queries.depths()[:MAX_CONSUMERS]), failing)
    yield from _streams(failing)
    yield from _snapshots(snapshots)
    cut = GaugeMetricFamily(
        "cascade_lag_left_out_consumers",
        "Consumers of a stream that are not exported because there are too many.",
    )
    cut.add_metric((), left_out)
    yield cut


Value = Callable[[Position], float | None]


def _consumers(rows: list[Position], failing: set[str]) -> Iterator[Metric]:
    for name, text, value in (
        ("cascade_lag_messages", "Messages not yet delivered to the group", _messages),
        ("cascade_pending_messages", "Messages delivered to the group and not handled", _pending),
        ("cascade_processes", "Processes of the group that were seen lately", _processes),
    ):
        yield from _with_twin(name, text, rows, failing, value)
    yield from _with_twin(
        "cascade_oldest_undelivered_timestamp_seconds",
        "Time of the oldest message not yet delivered to the group (none: no sample, known 1)",
        rows,
        failing,
        lambda row: _since(row, row.oldest_s),
        lambda row: row.oldest_s is not None,
    )
    yield from _with_twin(
        "cascade_oldest_pending_timestamp_seconds",
        "Time of the oldest message delivered and not handled (none: no sample, known 1)",
        rows,
        failing,
        lambda row: _since(row, row.oldest_pending_s),
        lambda row: row.oldest_pending_s is not None,
    )
    yield from _exactness(rows, failing)


def _exactness(rows: list[Position], failing: set[str]) -> Iterator[Metric]:
    exact = GaugeMetricFamily(
        "cascade_lag_exact",
        "1 when cascade_lag_messages is the number, 0 when it is at least that many.",
        labels=_PLACE,
    )
    lost = CounterMetricFamily(
        "cascade_lost_messages",
        "Messages trimmed from the stream before the group read them, at least.",
        labels=_PLACE,
    )
    for row in rows:
        place = (row.broker, row.stream, row.consumer)
        if row.messages is not None and row.broker not in failing:
            exact.add_metric(place, float(row.method == "exact"))
        if row.lost is not None:
            lost.add_metric(place, row.lost)
    yield from (exact, lost)


def _with_twin(
    name: str,
    text: str,
    rows: list[Position],
    failing: set[str],
    value: Value,
    known: Callable[[Position], bool] | None = None,
) -> Iterator[Metric]:
    family = GaugeMetricFamily(name, f"{text}.", labels=_PLACE)
    twin = GaugeMetricFamily(f"{name}_known", f"Whether {name} is known.", labels=_PLACE)
    for row in rows:
        place = (row.broker, row.stream, row.consumer)
        number = None if row.broker in failing else value(row)
        if number is not None:
            family.add_metric(place, number)
        is_known = number is not None if known is None else known(row)
        twin.add_metric(place, float(is_known and row.broker not in failing))
    yield from (family, twin)


def _messages(row: Position) -> float | None:
    return row.messages


def _pending(row: Position) -> float | None:
    return row.pending


def _processes(row: Position) -> float | None:
    return row.processes


def _since(row: Position, age_s: float | None) -> float | None:
    return row.sampled_at.timestamp() - age_s if age_s else None


def _queues(rows: list[Depth], failing: set[str]) -> Iterator[Metric]:
    depth = GaugeMetricFamily(
        "cascade_dead_letter_queue_messages",
        "Messages on the group's dead-letter queue.",
        labels=_PLACE,
    )
    known = GaugeMetricFamily(
        "cascade_dead_letter_queue_messages_known",
        "Whether cascade_dead_letter_queue_messages is known.",
        labels=_PLACE,
    )
    oldest = GaugeMetricFamily(
        "cascade_dead_letter_queue_oldest_timestamp_seconds",
        "Time of the oldest message on the group's dead-letter queue.",
        labels=_PLACE,
    )
    for row in rows:
        place = (row.broker, row.stream, row.consumer)
        answers = row.broker not in failing
        known.add_metric(place, float(answers and row.messages is not None))
        if answers and row.messages is not None:
            depth.add_metric(place, row.messages)
        if answers and row.oldest_at is not None:
            oldest.add_metric(place, row.oldest_at.timestamp())
    yield from (depth, known, oldest)


def _streams(failing: set[str]) -> Iterator[Metric]:
    labels = ("broker", "stream")
    entries = GaugeMetricFamily(
        "cascade_stream_entries", "Entries kept on the stream.", labels=labels
    )
    arrived = CounterMetricFamily(
        "cascade_stream_arrived_entries",
        "Entries added to the stream since it is watched, at least.",
        labels=labels,
    )
    for row in queries.streams()[:MAX_CONSUMERS]:
        if row.broker not in failing:
            entries.add_metric((row.broker, row.stream), row.length)
        arrived.add_metric((row.broker, row.stream), row.arrived)
    yield from (entries, arrived)


def _snapshots(rows: list[Snapshot]) -> Iterator[Metric]:
    at = GaugeMetricFamily(
        "cascade_snapshot_timestamp_seconds",
        "When the broker was last sampled with success: the age of all numbers here.",
        labels=("broker",),
    )
    success = GaugeMetricFamily(
        "cascade_snapshot_success", "1 when the last round succeeded.", labels=("broker",)
    )
    took = GaugeMetricFamily(
        "cascade_snapshot_duration_seconds",
        "How long the last round that succeeded took.",
        labels=("broker",),
    )
    for row in rows:
        success.add_metric((row.broker,), float(not row.error))
        if row.sampled_at is not None:
            at.add_metric((row.broker,), row.sampled_at.timestamp())
            took.add_metric((row.broker,), row.took_ms / 1000)
    yield from (at, success, took)
