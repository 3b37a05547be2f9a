"""How far behind every consumer group of a Redis is: counted, not believed.

The server's own `lag` is NULL after deletions and silently too high after trimming (Redis 7),
and does not exist on 6.2. What is used here exists on 6.2: XLEN, the group's last-delivered
position, and bounded pages of XRANGE. One survey is a handful of round trips.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from redis import ResponseError

from brokers.contract import ConsumerLag, QueueDepth, Role, Stream, StreamState, Survey
from brokers.redis_count import Budget, Found, Group, behind, count_between
from brokers.redis_members import Details, details
from brokers.redis_wire import Raw, Wire, age_s, order, pairs, server_ms, text, time_of

STREAMS_A_TRIP = 50
GROUPS_A_TRIP = 200
T = TypeVar("T")


def survey(
    wire: Wire, streams: Sequence[Stream], before: Mapping[str, StreamState], note: str
) -> Survey:
    """Everything about these streams, as of one moment. Raises BrokerError."""
    now_ms = server_ms(wire)
    budget = Budget()
    states: list[StreamState] = []
    groups: list[Group] = []
    for trip in _chunks(streams, STREAMS_A_TRIP):
        for state, found in _states(wire, trip, now_ms):
            states.append(_with_arrivals(wire, state, before.get(state.name), budget))
            if state.role is Role.TOPIC:
                groups.extend(found)
    consumer_of = {stream.name: stream.consumer for stream in streams}
    return Survey(
        at=datetime.fromtimestamp(now_ms / 1000, UTC),
        streams=states,
        lag=_lag(wire, groups, now_ms, budget),
        depths=[
            QueueDepth(
                stream=state.name,
                consumer=consumer_of[state.name],
                messages=state.length,
                oldest_at=state.first_at,
            )
            for state in states
            if state.role is Role.DEAD_LETTERS
        ],
        note=note,
    )


def _chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _states(
    wire: Wire, trip: Sequence[Stream], now_ms: int
) -> Iterator[tuple[StreamState, list[Group]]]:
    commands: list[tuple[str, ...]] = []
    for stream in trip:
        commands += [("XINFO", "STREAM", stream.name), ("XINFO", "GROUPS", stream.name)]
    # one MULTI: length, head and cursors are of the same moment
    replies = wire.ask_all(commands, atomic=True)
    for index, stream in enumerate(trip):
        info, groups = replies[2 * index], replies[2 * index + 1]
        if isinstance(info, ResponseError) or isinstance(groups, ResponseError):
            continue  # deleted since it was discovered, or replaced by another type
        state = stream_state(stream, pairs(info), now_ms)
        yield state, [_group(state, pairs(group)) for group in groups]


def stream_state(stream: Stream, info: dict[str, Raw], now_ms: int) -> StreamState:
    """What an XINFO STREAM says of a stream."""
    first = info.get("first-entry")
    added = info.get("entries-added")
    return StreamState(
        name=stream.name,
        topic=stream.topic,
        role=stream.role,
        length=int(info["length"]),
        first=text(first[0]) if first else "",
        head=text(info["last-generated-id"]),
        first_at=time_of(text(first[0]), now_ms) if first else None,
        added=None if added is None else int(added),
    )


def _group(state: StreamState, info: dict[str, Raw]) -> Group:
    read = info.get("entries-read")
    return Group(
        stream=state,
        name=text(info["name"]),
        cursor=text(info["last-delivered-id"]),
        pending=int(info["pending"]),
        read=None if read is None else int(read),
    )


def _with_arrivals(
    wire: Wire, state: StreamState, before: StreamState | None, budget: Budget
) -> StreamState:
    return replace(state, arrived=_arrived(wire, state, before, budget))


def _arrived(
    wire: Wire, state: StreamState, before: StreamState | None, budget: Budget
) -> int | None:
    if before is None or order(state.head) < order(before.head):
        return None  # new to us, or made anew
    if state.head == before.head:
        return 0
    if state.added is not None and before.added is not None and state.added >= before.added:
        return state.added - before.added
    if before.first in ("", state.first) and state.length > before.length and before.length:
        return state.length - before.length  # nothing was trimmed in between
    if before.length and order(state.first) > order(before.head):
        return None  # trimmed past where we looked: some may have come and gone
    counted, complete = count_between(wire, state.name, (before.head, state.head), budget)
    return counted if complete else None


def _lag(wire: Wire, groups: Sequence[Group], now_ms: int, budget: Budget) -> list[ConsumerLag]:
    by_stream: dict[str, list[Group]] = defaultdict(list)
    for group in groups:
        by_stream[group.stream.name].append(group)
    counts: dict[tuple[str, str], Found] = {}
    for name, members in by_stream.items():
        for group, found in behind(wire, members, budget):
            counts[name, group.name] = found
    result: list[ConsumerLag] = []
    for trip in _chunks(groups, GROUPS_A_TRIP):
        for group, detail in zip(trip, details(wire, trip, now_ms), strict=True):
            result.append(_line(group, counts[group.stream.name, group.name], detail, now_ms))
    return result


def _line(group: Group, found: Found, detail: Details, now_ms: int) -> ConsumerLag:
    oldest_s = age_s(detail.next_position, now_ms) if detail.next_position else None
    reasons = []
    if found.messages is None:
        reasons.append("too many messages wait to be counted in one round")
    if found.messages and detail.next_position and oldest_s is None:
        reasons.append("its messages carry no time")
    if detail.payload_lost:
        reasons.append(f"{detail.payload_lost} pending whose payload is gone")
    return ConsumerLag(
        stream=group.stream.name,
        topic=group.stream.topic,
        consumer=group.name,
        messages=found.messages,
        method=found.method,
        cursor=group.cursor,
        head=group.stream.head,
        oldest_s=oldest_s,
        pending=group.pending,
        oldest_pending_s=_pending_age_s(detail, now_ms),
        processes=len(detail.members),
        members=detail.members,
        lost=_lost(group, found),
        payload_lost=detail.payload_lost,
        delivered=group.read,
        reason="; ".join(reasons),
    )


def _pending_age_s(detail: Details, now_ms: int) -> float | None:
    """0 when none is left: handled since they were counted, or their payload is gone."""
    return age_s(detail.pending_position, now_ms) if detail.pending_position else 0.0


def _lost(group: Group, found: Found) -> int | None:
    """Entries trimmed before they were read: what was added, less read, less what is left."""
    stream = group.stream
    if stream.added is not None and group.read is not None and found.exact:
        return max(0, stream.added - group.read - (found.messages or 0))
    if order(group.cursor) >= order(stream.head):
        return 0
    gap = not stream.first or order(group.cursor) < order(stream.first)
    return None if gap else 0
