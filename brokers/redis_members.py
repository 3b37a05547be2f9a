"""The processes of a consumer group, its oldest undelivered and its oldest pending message."""

from collections.abc import Sequence
from dataclasses import dataclass

from redis import ResponseError

from brokers.contract import Process
from brokers.redis_count import Group
from brokers.redis_wire import Raw, Wire, age_s, entries, order, pairs, pending, text

SEEN_LATELY_S = 300.0  # a process silent for longer, with something to read, is not counted
OLDEST = 10  # pending entries looked at: those deleted one by one are passed over
LOST_PAGE = 1_000  # pending entries whose payload is gone are counted up to this many


@dataclass(frozen=True, slots=True)
class Details:
    """What one group looks like beyond its numbers; positions are "" when there is none."""

    members: tuple[Process, ...]
    next_position: str
    pending_position: str
    payload_lost: int


def details(wire: Wire, groups: Sequence[Group], now_ms: int) -> list[Details]:
    """The details of these groups, in their order, in two round trips."""
    commands: list[tuple[str | int, ...]] = []
    for group in groups:
        key, name = group.stream.name, group.name
        first = group.stream.first or group.stream.head
        commands += [
            ("XINFO", "CONSUMERS", key, name),
            ("XRANGE", key, f"({group.cursor}", "+", "COUNT", 1),
            # the oldest pending that can still have their payload, and those that cannot
            ("XPENDING", key, name, first, "+", OLDEST),
            ("XPENDING", key, name, "-", f"({first}", LOST_PAGE) if group.pending else ("PING",),
        ]
    replies = wire.ask_all(commands)
    found = [replies[start : start + 4] for start in range(0, len(replies), 4)]
    oldest = [_positions(reply[2]) for reply in found]
    asked = [
        ("XRANGE", group.stream.name, position, position)
        for group, positions in zip(groups, oldest, strict=True)
        for position in positions
    ]
    bodies = iter(wire.ask_all(asked))
    return [
        _details(group, reply, [(position, next(bodies)) for position in positions], now_ms)
        for group, reply, positions in zip(groups, found, oldest, strict=True)
    ]


def _positions(reply: Raw) -> list[str]:
    return [] if isinstance(reply, ResponseError) else [line.position for line in pending(reply)]


def _details(
    group: Group, replies: Sequence[Raw], kept: Sequence[tuple[str, Raw]], now_ms: int
) -> Details:
    consumers, undelivered, _, trimmed = replies
    bodies = [body for _, body in kept]
    if any(isinstance(reply, ResponseError) for reply in (*replies, *bodies)):
        return Details((), "", "", 0)  # the group or its stream was removed meanwhile
    following = entries(undelivered)
    lost = len(pending(trimmed)) if group.pending else 0
    return Details(
        members=_members(consumers, group, now_ms),
        next_position=following[0].position if following else "",
        pending_position=next((position for position, body in kept if body), ""),
        payload_lost=lost + sum(1 for body in bodies if not body),
    )


def _members(reply: Raw, group: Group, now_ms: int) -> tuple[Process, ...]:
    """The processes seen lately. One that waits for a new entry is silent without fault."""
    limit = SEEN_LATELY_S
    if order(group.cursor) >= order(group.stream.head):
        limit += age_s(group.stream.head, now_ms) or 0.0
    members = []
    for item in reply:
        info = pairs(item)
        idle_s = int(info["idle"]) / 1000
        if idle_s <= limit:
            members.append(Process(text(info["name"]), idle_s, int(info["pending"])))
    return tuple(sorted(members, key=lambda member: member.name))
