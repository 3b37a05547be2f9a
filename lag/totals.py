"""From one survey to rows: what a consumer is over all streams of a topic. Asks no database."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from brokers.contract import ConsumerLag, Method, Process, StreamState
from lag.models import Position, Stream

Key = tuple[str, str]  # topic, consumer


@dataclass(frozen=True)
class Total:
    """One consumer of one topic, summed over its streams. None is unknown, age 0 nothing waits."""

    topic: str
    consumer: str
    messages: int | None
    method: Method
    pending: int | None
    oldest_s: float | None
    oldest_pending_s: float | None
    members: tuple[Process, ...] | None
    streams: int
    arrived: int | None
    handled: int | None
    lost: int | None
    payload_lost: int
    moved: bool  # it took or finished something since the round before
    set_back_to: str | None
    reason: str


def stream_row(
    broker: str, state: StreamState, before: Stream | None, at: datetime, first_at: datetime | None
) -> Stream:
    """A stream's row; `arrived` goes on from the row before, `whole` says without a gap."""
    return Stream(
        broker=broker,
        stream=state.name,
        topic=state.topic,
        role=state.role.value,
        sampled_at=at,
        length=state.length,
        first=state.first,
        head=state.head,
        first_at=first_at,
        added=state.added,
        arrived=(before.arrived if before else 0) + (state.arrived or 0),
        whole=state.arrived is not None,
    )


def position_row(
    broker: str, line: ConsumerLag, before: Position | None, arrived: int | None, at: datetime
) -> Position:
    """A consumer's row on one stream, with what only the row before can tell."""
    return Position(
        broker=broker,
        stream=line.stream,
        topic=line.topic,
        consumer=line.consumer,
        sampled_at=at,
        messages=line.messages,
        method=line.method.value,
        cursor=line.cursor,
        highest=_highest(line, before),
        head=line.head,
        oldest_s=_age(line.messages, line.oldest_s),
        oldest_pending_s=_age(line.pending, line.oldest_pending_s),
        pending=line.pending,
        processes=line.processes,
        lost=_lost(line, before, arrived),
        payload_lost=line.payload_lost,
        reason=line.reason[:300],
    )


def total(
    lines: Sequence[tuple[ConsumerLag, Position, Position | None]], streams: Mapping[str, Stream]
) -> Total:
    """One consumer over the streams of one topic; each line with its row and the row before."""
    rows = [row for _, row, _ in lines]
    messages = _sum(row.messages for row in rows)
    pending = _sum(row.pending for row in rows)
    lost = _sum(row.lost for row in rows)
    members = [member for line, _, _ in lines for member in line.members]
    arrived, handled = _counters(rows, streams)
    return Total(
        topic=rows[0].topic,
        consumer=rows[0].consumer,
        messages=messages,
        method=_method(rows),
        pending=pending,
        oldest_s=_worst([a for row in rows for a in (row.oldest_s, row.oldest_pending_s)]),
        oldest_pending_s=_worst([row.oldest_pending_s for row in rows]),
        members=None if any(row.processes is None for row in rows) else _distinct(members),
        streams=len(rows),
        arrived=arrived,
        handled=handled,
        lost=lost,
        payload_lost=sum(row.payload_lost for row in rows),
        moved=any(_moved(row, before) for _, row, before in lines),
        set_back_to=next(
            (row.cursor for row in rows if order(row.cursor) < order(row.highest)), None
        ),
        reason="; ".join(sorted({row.reason for row in rows if row.reason}))[:300],
    )


def order(position: str) -> tuple[int, ...]:
    """A position as something that sorts."""
    return tuple(int(part) if part.isdigit() else 0 for part in position.split("-"))


def _age(number: int | None, age_s: float | None) -> float | None:
    return 0.0 if number == 0 else age_s


def _highest(line: ConsumerLag, before: Position | None) -> str:
    if before is None or order(line.head) < order(before.highest):
        return line.cursor  # new to us, or the stream was made anew
    return max(before.highest, line.cursor, key=order)


def _lost(line: ConsumerLag, before: Position | None, arrived: int | None) -> int | None:
    """Trimmed undelivered, so far: what the broker says, else what went missing while we watched.

    Only while the cursor rests is a message that is missing certain not to have been read.
    """
    known = before.lost if before else None
    if line.lost is not None:
        return max(line.lost, known or 0)
    if before is None or arrived is None or line.cursor != before.cursor:
        return known
    if line.messages is None or before.messages is None:
        return known
    missing = before.messages + arrived - line.messages
    if Method.EXACT.value != before.method or line.method is not Method.EXACT or missing <= 0:
        return known
    return (known or 0) + missing


def _moved(row: Position, before: Position | None) -> bool:
    if before is None or row.cursor != before.cursor:
        return True
    return (row.pending or 0) < (before.pending or 0)


def _counters(
    rows: Sequence[Position], streams: Mapping[str, Stream]
) -> tuple[int | None, int | None]:
    """Entries that came since we look, and those of them that no longer wait."""
    seen = [streams[row.stream] for row in rows if row.stream in streams]
    if len(seen) < len(rows) or not all(stream.whole for stream in seen):
        return None, None
    arrived = sum(stream.arrived for stream in seen)
    if any(row.messages is None or row.method != Method.EXACT.value for row in rows):
        return arrived, None
    waiting = sum((row.messages or 0) + (row.pending or 0) + (row.lost or 0) for row in rows)
    return arrived, arrived - waiting


def _method(rows: Iterable[Position]) -> Method:
    methods = {row.method for row in rows}
    for method in (Method.UNKNOWN, Method.BOUNDED):
        if method.value in methods:
            return method
    return Method.EXACT


def _sum(numbers: Iterable[int | None]) -> int | None:
    total_of = 0
    for number in numbers:
        if number is None:
            return None
        total_of += number
    return total_of


def _worst(ages: Sequence[float | None]) -> float | None:
    known = [age for age in ages if age is not None]
    return max(known) if known and len(known) == len(ages) else None


def _distinct(members: Iterable[Process]) -> tuple[Process, ...]:
    """A process that reads several streams is one: its shortest silence, all it has in hand."""
    by_name: dict[str, Process] = {}
    for member in members:
        other = by_name.get(member.name, member)
        pending = member.pending + (other.pending if other is not member else 0)
        idle_s = min(member.idle_s, other.idle_s)
        by_name[member.name] = Process(member.name, idle_s, pending)
    return tuple(by_name[name] for name in sorted(by_name))
