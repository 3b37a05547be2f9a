"""Sending dead letters again on Redis Streams: each send is one step inside the server.

Everything here but the readings writes to the observed broker (promise 12): callers ask
`brokers.config` first. The scripts are in brokers/lua; their cases stand at their tops.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from brokers.contract import BrokerError, Delivered, Placement, Send, SendResult, Sent, Target
from brokers.redis_wire import Wire, order, pairs, text
from cascade_client.fields import DEAD_LETTER_FIELDS, REPLAYS

MARKERS: Final = "cascade:attempt:"  # + attempt: hash {stream, position}
FORGET_AFTER_S: Final = 86_400  # a settled attempt's marker outlives a stalled sender
IDLE_MS: Final = 3_600_000  # longer than any consumer waits before it reclaims
_LUA = Path(__file__).with_name("lua")
_FORGET = "for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, ARGV[1]) end"
Command = list[str | bytes | int]


class RedisReplay:
    """The sends of one Redis server. The readings raise BrokerError."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def send(self, target: Target, sends: Sequence[Send]) -> list[Sent]:
        """Send all in one round trip; one answer for each, in order. Never raises.

        Asked again with the same attempt, nothing is sent twice.
        """
        if not sends:
            return []
        try:
            replies = self._wire.ask_all(self._commands(target, sends))
        except BrokerError as error:
            return [Sent(SendResult.UNKNOWN, detail=str(error)) for _ in sends]
        return [_answer(reply) for reply in replies]

    def _commands(self, target: Target, sends: Sequence[Send]) -> list[Command]:
        name = "repend" if target is Target.REPEND else "copy"
        source = (_LUA / f"{name}.lua").read_bytes()
        digest = text(self._wire.ask("SCRIPT", "LOAD", source))
        if target is not Target.REPEND:
            return [["EVALSHA", digest, *_copy(send, target)] for send in sends]
        processes = self._processes({(send.stream, send.consumer) for send in sends})
        return [["EVALSHA", digest, *_repend(send, processes)] for send in sends]

    def _processes(self, asked: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """For each stream and consumer the process seen last: a pending entry needs one."""
        keys = sorted(asked)
        replies = self._wire.ask_all([["XINFO", "CONSUMERS", *key] for key in keys])
        answer = {}
        for key, reply in zip(keys, replies, strict=True):
            # without the stream or its group the script refuses and says so
            rows = [] if isinstance(reply, Exception) else [pairs(row) for row in reply]
            newest = min(rows, key=lambda row: int(row["idle"]), default={"name": "replay"})
            answer[key] = text(newest["name"])
        return answer

    def markers(self, attempts: Sequence[str]) -> dict[str, Placement]:
        """The attempts that were sent, and where to; an attempt without a marker is left out."""
        replies = self._all([["HMGET", MARKERS + name, "stream", "position"] for name in attempts])
        return {
            attempt: Placement(text(reply[0]), text(reply[1]))
            for attempt, reply in zip(attempts, replies, strict=True)
            if reply[0]
        }

    def withdraw(self, attempts: Sequence[str]) -> dict[str, Placement]:
        """Let these attempts never be sent; those that were sent already, and where to. Writes.

        A withdrawn attempt's marker names no place; it stays a day, as that of a settled one.
        """
        source = (_LUA / "withdraw.lua").read_bytes()
        markers = [MARKERS + attempt for attempt in attempts]
        replies = self._all([["EVAL", source, 1, key, FORGET_AFTER_S] for key in markers])
        return {
            attempt: Placement(text(reply[0]), text(reply[1]))
            for attempt, reply in zip(attempts, replies, strict=True)
            if reply
        }

    def present(self, placements: Sequence[Placement]) -> set[Placement]:
        """Which of these entries are there."""
        replies = self._all([["XRANGE", p.stream, p.position, p.position] for p in placements])
        return {place for place, reply in zip(placements, replies, strict=True) if reply}

    def remove(self, placements: Sequence[Placement]) -> int:
        """Take these entries off their queues; how many were still there. Writes."""
        return sum(self._all([["XDEL", place.stream, place.position] for place in placements]))

    def forget(self, sends: Sequence[tuple[str, str, Placement]]) -> None:
        """Let the markers of settled attempts go: (attempt, consumer, where it was sent).

        A marker stays another day, so that a sender that stalled cannot send again. Writes.
        """
        if not sends:
            return
        keys = [MARKERS + attempt for attempt, _, _ in sends]
        fields = [_field(place.stream, place.position, who) for _, who, place in sends]
        self._all(
            [
                ["EVAL", _FORGET, len(keys), *keys, FORGET_AFTER_S],
                ["HDEL", REPLAYS, *fields],
            ]
        )

    def delivered(self, places: Sequence[tuple[Placement, str]]) -> list[Delivered]:
        """Where each message stands with its consumer, by cursor and pending list.

        The cursor is read first: what is delivered in between is ahead for this round, and
        never taken for acknowledged.
        """
        cursors = {stream: self.cursors(stream) for stream in {place.stream for place, _ in places}}
        pending = self._wire.ask_all(
            [["XPENDING", p.stream, consumer, p.position, p.position, 1] for p, consumer in places]
        )
        return [
            _standing(place.position, cursors[place.stream].get(consumer), reply)
            for (place, consumer), reply in zip(places, pending, strict=True)
        ]

    def cursors(self, stream: str) -> dict[str, str]:
        """The consumers of a stream and how far each has read; empty when there is none."""
        reply = self._wire.ask_all([["XINFO", "GROUPS", stream]])[0]
        if isinstance(reply, Exception):
            return {}
        rows = [pairs(row) for row in reply]
        return {text(row["name"]): text(row["last-delivered-id"]) for row in rows}

    def _all(self, commands: Sequence[Command]) -> list[Any]:
        replies = self._wire.ask_all(commands)
        for reply in replies:
            if isinstance(reply, Exception):
                raise BrokerError(f"Redis refused: {str(reply)[:200]}")
        return replies


def _copy(send: Send, target: Target) -> Command:
    """Number of keys, keys and arguments of copy.lua."""
    stream = send.retry_stream if target is Target.RETRY else send.stream
    keys = [MARKERS + send.attempt, stream, *(place.stream for place in send.sources)]
    changed, removed = _changes(send)
    flat = [part for pair in changed for part in pair]
    positions = [place.position for place in send.sources]
    counted: Command = [len(positions), *positions, len(changed), *flat, *removed]
    return [len(keys), *keys, send.attempt, send.consumer, *counted]


def _changes(send: Send) -> tuple[list[tuple[str, str | bytes]], list[str]]:
    """The fields to set on the copy in the server, and the names to remove from it.

    Without a copy in the server the fields to set are the whole message. Our own marks are known
    to the script.
    """
    foreign = [name for name in send.marks if name not in DEAD_LETTER_FIELDS]
    if send.sources and not send.edited:
        return [], foreign
    before = send.origin if send.sources else {}
    changed: list[tuple[str, str | bytes]] = [
        (name, value) for name, value in send.headers.items() if before.get(name) != value
    ]
    if send.body is not None:
        changed.append((send.body_field, send.body))
    gone = [name for name in before if name not in send.headers]
    return changed, [*gone, *foreign]


def _repend(send: Send, processes: dict[tuple[str, str], str]) -> Command:
    """Number of keys, keys and arguments of repend.lua."""
    sources = [place.stream for place in send.sources]
    keys = [MARKERS + send.attempt, send.stream, REPLAYS, *sources]
    process = processes[send.stream, send.consumer]
    field = _field(send.stream, send.position, send.consumer)
    positions = [place.position for place in send.sources]
    where: Command = [send.consumer, send.position, process, field, IDLE_MS]
    return [len(keys), *keys, send.attempt, *where, *positions]


def _field(stream: str, position: str, consumer: str) -> str:
    return f"{stream}|{position}|{consumer}"


def _answer(reply: Any) -> Sent:
    if isinstance(reply, Exception):
        # Even a script that failed may have begun: only the marker can tell.
        return Sent(SendResult.UNKNOWN, detail=str(reply)[:200])
    result = SendResult(text(reply[0]))
    if result in (SendResult.SENT, SendResult.AGAIN):
        return Sent(result, Placement(text(reply[1]), text(reply[2])))
    return Sent(result, detail=text(reply[1]) if len(reply) > 1 else "")


def _standing(position: str, cursor: str | None, pending: Any) -> Delivered:
    if cursor is None or isinstance(pending, Exception):
        return Delivered.UNKNOWN
    if pending:
        return Delivered.PENDING
    return Delivered.AHEAD if order(position) > order(cursor) else Delivered.ACKNOWLEDGED
