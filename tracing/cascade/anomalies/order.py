"""Pure: order within one partition key of one topic, as published and as handled.

A source's own numbers tell the order it meant; the broker's time tells the one there was.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from tracing.cascade.anomalies.sequence import is_number
from tracing.cascade.kinds import Kind
from tracing.cascade.model import Anomaly, Delivery, EventNode, Evidence, event_node_id
from tracing.rows import EventRow

_T = TypeVar("_T")
Lane = tuple[str, str, str]  # broker, topic, partition key


def out_of_order(events: Iterable[EventNode], deliveries: Iterable[Delivery]) -> Iterator[Anomaly]:
    """What was published, or handled, before something that belongs before it."""
    rows = {n.row.identity: n.row for n in events if n.row is not None and n.row.partition_key}
    if rows:
        yield from _published(rows.values())
        yield from _handled(rows, deliveries)


def _lane(row: EventRow) -> Lane:
    return row.broker, row.topic, row.partition_key


def _grouped(pairs: Iterable[tuple[object, _T]]) -> Iterator[list[_T]]:
    groups: dict[object, list[_T]] = defaultdict(list)
    for key, member in pairs:
        groups[key].append(member)
    return (group for group in groups.values() if len(group) > 1)


def _published(rows: Iterable[EventRow]) -> Iterator[Anomaly]:
    numbered = (((row.source, *_lane(row)), row) for row in rows if row.sequence)
    for group in _grouped(numbered):
        numbers = all(is_number(row.sequence) for row in group)
        newest: EventRow | None = None
        for row in sorted(group, key=lambda row: (row.published_at, row.sequence, row.identity)):
            if newest is None or _before(newest, row, numbers=numbers):
                newest = row
            elif newest.published_at < row.published_at and row.sequence != newest.sequence:
                detail = (
                    f"{row.type} (sequence {row.sequence}) was published after {newest.type}"
                    f" ({newest.sequence}) under the key {row.partition_key}"
                )
                yield Anomaly(Kind.OUT_OF_ORDER, event_node_id(row.identity), detail)


def _before(one: EventRow, other: EventRow, *, numbers: bool) -> bool:
    if numbers:
        return int(one.sequence) < int(other.sequence)
    return one.sequence < other.sequence


def _handled(rows: dict[bytes, EventRow], deliveries: Iterable[Delivery]) -> Iterator[Anomaly]:
    """A handling that was done before that of an event published earlier began."""
    lanes = {identity: _lane(row) for identity, row in rows.items()}
    pairs = (
        ((one.consumer, lanes[one.identity]), one)
        for one in deliveries
        if one.identity in lanes and one.evidence is not Evidence.INFERRED
    )
    for group in _grouped(pairs):
        yield from _overtaken(group, rows)


def _overtaken(group: Sequence[Delivery], rows: dict[bytes, EventRow]) -> Iterator[Anomaly]:
    done = [(rows[one.identity], *span, one) for one in group if (span := _success(one))]
    done.sort(key=lambda each: (each[0].published_at, each[0].identity))
    latest: tuple[datetime, EventRow] | None = None  # start and event, of all published earlier
    waiting: list[tuple[datetime, EventRow]] = []  # those published at the same moment
    for row, started, ended, delivery in done:
        if waiting and waiting[0][1].published_at < row.published_at:
            latest = max([*waiting, *([latest] if latest else [])], key=lambda each: each[0])
            waiting = []
        if latest is not None and ended < latest[0]:
            detail = (
                f"{delivery.consumer} handled {row.type} before {latest[1].type}, which was"
                f" published earlier under the key {row.partition_key}"
            )
            yield Anomaly(Kind.OUT_OF_ORDER, delivery.id, detail)
        waiting.append((started, row))


def _success(delivery: Delivery) -> tuple[datetime, datetime] | None:
    """Start and end of the first attempt that succeeded."""
    for attempt in delivery.attempts:
        if attempt.outcome == "succeeded" and attempt.ended_at is not None:
            return attempt.started_at, attempt.ended_at
    return None
