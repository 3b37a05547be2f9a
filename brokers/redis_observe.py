"""Reading streams without a consumer group, from cursors that the caller keeps.

Nothing here writes: TYPE, TIME, XINFO, XRANGE, XREVRANGE, XREAD and XPENDING are all that is sent.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime

from redis import ResponseError

from brokers.config import BrokerConfig
from brokers.contract import (
    Beginning,
    BrokerError,
    ConsumerCursor,
    Entry,
    PendingEntry,
    PendingSpan,
    StreamState,
)
from brokers.discovery import role_of
from brokers.redis_lag import STREAMS_A_TRIP, stream_state
from brokers.redis_tap import to_entry
from brokers.redis_wire import (
    MAX_BLOCK_MS,
    START_OF_STREAM,
    Raw,
    Wire,
    before_ms,
    entries,
    milliseconds,
    order,
    pairs,
    pending,
    position_after,
    position_before,
    server_ms,
    text,
    time_of,
)
from brokers.start import NEWEST, parse

STREAMS_A_READ = 500  # in one XREAD; with more of them they take turns
BYTES_A_READ = 32 * 1024 * 1024  # about: the next read asks for fewer entries when they are large
WALK = 100  # entries of one page when a beginning is looked for


class RedisObserver:
    """One database, read only. Not for use by several threads at once."""

    def __init__(self, wire: Wire, config: BrokerConfig) -> None:
        self._wire = wire
        self._config = config
        self._start = parse(config.start or NEWEST)
        self._turn = 0  # which streams are asked first when there are many
        self._shares: dict[int, int] = {}  # COUNT of a turn that had more than it was asked for
        self._size = 1_000  # bytes of an entry, by the last read

    def read_after(self, cursors: Mapping[str, str], count: int, block_ms: int) -> list[Entry]:
        """As in the contract."""
        names = sorted(cursors)
        if not names:
            time.sleep(min(block_ms, MAX_BLOCK_MS) / 1000)
            return []
        turns = -(-len(names) // STREAMS_A_READ)
        count = min(count, max(1, BYTES_A_READ // self._size))
        found: list[Entry] = []
        for number in range(turns):
            turn = self._turn = (self._turn + 1) % turns
            some = names[turn * STREAMS_A_READ : (turn + 1) * STREAMS_A_READ]
            wait_ms = block_ms if number == turns - 1 and not found else 0
            found += self._read(turn, {name: cursors[name] for name in some}, count, wait_ms)
            if len(found) >= count:
                break
        if found:
            self._size = max(1_000, sum(len(one.body or b"") for one in found) // len(found))
        # by time: what belongs together is then stored together; each stream stays in order
        found.sort(key=lambda entry: milliseconds(entry.position))
        return found

    def _read(
        self, turn: int, cursors: Mapping[str, str], count: int, block_ms: int
    ) -> list[Entry]:
        """One XREAD. COUNT is meant a stream: each gets its share; twice as much while some
        stream has more and the others have little, so that a burst on all stays bounded."""
        share = min(count, self._shares.pop(turn, max(1, count // len(cursors))))
        command: list[str | int] = ["XREAD", "COUNT", share]
        command += ["BLOCK", min(block_ms, MAX_BLOCK_MS)] if block_ms > 0 else []
        try:
            reply = self._wire.ask(*command, "STREAMS", *cursors, *cursors.values())
        except BrokerError as error:
            if "WRONGTYPE" not in str(error) and "UNBLOCKED" not in str(error):
                raise
            left = self._streams_among(cursors)  # one of them is something else by now
            changed = left and len(left) < len(cursors)
            return self._read(turn, left, count, 0) if changed else []
        sizes = [len(items) for _, items in reply or ()]
        if share in sizes:
            self._shares[turn] = share * 2 if sum(sizes) * 2 < count else share
        return self._entries(reply or ())

    def _entries(self, reply: Sequence[Raw]) -> list[Entry]:
        now_ms = server_ms(self._wire) if reply else 0
        result: list[Entry] = []
        for name, items in reply:
            stream = role_of(text(name), self._config)
            if stream is not None:
                found = entries(items)
                result += [to_entry(self._config.name, stream, raw, now_ms) for raw in found]
        return result

    def _streams_among(self, cursors: Mapping[str, str]) -> dict[str, str]:
        kinds = self._wire.ask_all([("TYPE", name) for name in cursors])
        found = zip(cursors.items(), kinds, strict=True)
        return {name: at for (name, at), kind in found if kind in (b"stream", b"none")}

    def states(self, streams: Sequence[str]) -> list[StreamState]:
        """As in the contract."""
        now_ms = server_ms(self._wire)
        found = []
        for at in range(0, len(streams), STREAMS_A_TRIP):
            trip = streams[at : at + STREAMS_A_TRIP]
            replies = self._wire.ask_all([("XINFO", "STREAM", name) for name in trip])
            for name, reply in zip(trip, replies, strict=True):
                stream = role_of(name, self._config)
                if stream is not None and not isinstance(reply, ResponseError):
                    found.append(stream_state(stream, pairs(reply), now_ms))
        return found

    def begin(self, streams: Sequence[str], known_since: datetime) -> list[Beginning]:
        """As in the contract."""
        now_ms = server_ms(self._wire)
        known_ms = int(known_since.timestamp() * 1000)
        return [self._beginning(state, known_ms, now_ms) for state in self.states(streams)]

    def _beginning(self, state: StreamState, known_ms: int, now_ms: int) -> Beginning:
        start, known = self._start, before_ms(known_ms)
        if start.ago is not None:
            position = before_ms(now_ms - int(start.ago.total_seconds() * 1000))
        elif start.entries is None or state.length <= start.entries:
            position = START_OF_STREAM
        else:
            position = self._newest(state, start.entries)
        position = min(position, known, key=order)
        if not state.first or order(position) < order(state.first):
            trimmed = None if state.added is None else state.added - state.length
            return Beginning(state.name, START_OF_STREAM, 0, None, trimmed)
        left_out = added = None
        if start.entries is not None and position != known:
            left_out = state.length - start.entries
            added = None if state.added is None else state.added - start.entries
        return Beginning(
            state.name, position, left_out, time_of(position_after(position), now_ms), added
        )

    def _newest(self, state: StreamState, count: int) -> str:
        """The position before the newest `count` entries."""
        until, left = state.head, count
        while left > 0:
            end = until if until == state.head else f"({until}"
            command = ("XREVRANGE", state.name, end, "-", "COUNT", min(WALK, left))
            page = entries(self._wire.ask(*command))
            if not page:
                return START_OF_STREAM  # trimmed meanwhile: there are no older ones
            until, left = page[-1].position, left - len(page)
        return position_before(until) if count else state.head

    def cursors(self, streams: Sequence[str]) -> list[ConsumerCursor]:
        """As in the contract."""
        found = []
        for at in range(0, len(streams), STREAMS_A_TRIP):
            trip = streams[at : at + STREAMS_A_TRIP]
            replies = self._wire.ask_all([("XINFO", "GROUPS", name) for name in trip])
            for name, reply in zip(trip, replies, strict=True):
                for group in () if isinstance(reply, ResponseError) else map(pairs, reply):
                    position = text(group["last-delivered-id"])
                    found.append(ConsumerCursor(name, text(group["name"]), position))
        return found

    def pending(
        self, spans: Sequence[PendingSpan], count: int
    ) -> list[Sequence[PendingEntry] | None]:
        """As in the contract."""
        replies = self._wire.ask_all(
            [("XPENDING", one.stream, one.consumer, one.first, one.last, count) for one in spans]
        )
        return [None if isinstance(reply, ResponseError) else _pending(reply) for reply in replies]


def _pending(reply: Raw) -> list[PendingEntry]:
    return [
        PendingEntry(line.position, line.process, line.idle_ms / 1000, line.tries)
        for line in pending(reply)
    ]
