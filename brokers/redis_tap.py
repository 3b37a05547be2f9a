"""Reading all streams as one consumer group: nothing is skipped, everything is acknowledged late.

What was read and not acknowledged comes again: to the same process at once, to another process
after TAKE_OVER_MS when its reader has died.
"""

import time
from collections import deque
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby

from redis import ResponseError

from brokers.contract import BrokerError, Entry, Stream
from brokers.discovery import Discovery
from brokers.redis_body import take_body
from brokers.redis_wire import (
    MAX_BLOCK_MS,
    RawEntry,
    Wire,
    entries,
    milliseconds,
    pending,
    server_ms,
    text,
    time_of,
)

TAKE_OVER_MS = 60_000  # a healthy tap acknowledges within a second or two
TAKE_OVER_EVERY_S = 10.0
TAKE_OVER_COUNT = 100  # a stream, each time


class TapReader:
    """One process of one consumer group over all streams that discovery knows."""

    def __init__(
        self, wire: Wire, discovery: Discovery, broker: str, group: str, process: str
    ) -> None:
        self._wire = wire
        self._discovery = discovery
        self._broker = broker
        self._group = group
        self._process = process
        self._streams: list[Stream] = []
        self._joined: set[str] = set()
        self._open: set[tuple[str, str]] = set()  # given out, not yet acknowledged
        self._ready: deque[Entry] = deque()  # read beyond what was asked for
        self._recheck = True  # look through our own pending entries before asking for new ones
        self._busy = 0  # streams that had something last time
        self._next_take_over = time.monotonic() + TAKE_OVER_EVERY_S

    def read(self, count: int, block_ms: int, *, ahead: bool = False) -> list[Entry]:
        """At most `count` entries, own unacknowledged ones first. Raises BrokerError.

        `ahead`: without those given out; none while our own pending entries are looked through,
        since these would be given out twice.
        """
        if ahead and self._recheck and not self._ready:
            return []
        self._join()
        if self._open and not ahead:  # the last batch was not acknowledged: it comes again
            self._open.clear()
            self._ready.clear()
            self._recheck = True
        if not self._streams:
            time.sleep(min(block_ms, MAX_BLOCK_MS) / 1000)
            return []
        if not self._ready and time.monotonic() >= self._next_take_over:
            self._next_take_over = time.monotonic() + TAKE_OVER_EVERY_S
            self._ready.extend(self._take_over())
        if not self._ready and self._recheck:
            self._ready.extend(self._own(count))
            self._recheck = bool(self._ready)
        if not self._ready:
            self._ready.extend(self._new(count, block_ms))
        batch = [self._ready.popleft() for _ in range(min(count, len(self._ready)))]
        self._open.update((entry.stream, entry.position) for entry in batch)
        return batch

    def acknowledge(self, acknowledged: Iterable[Entry]) -> None:
        """XACK in one round trip. Raises BrokerError; then the entries come again."""
        done = sorted((entry.stream, entry.position) for entry in acknowledged)
        commands = [
            ("XACK", stream, self._group, *(position for _, position in lines))
            for stream, lines in groupby(done, key=lambda line: line[0])
        ]
        for reply in self._wire.ask_all(commands):
            if isinstance(reply, ResponseError) and "WRONGTYPE" not in str(reply):
                raise BrokerError(f"Redis refused: {reply}")
        self._open.difference_update(done)

    def _join(self) -> None:
        """Make the group, at the start, on streams that were not known before."""
        self._streams = self._discovery.streams()
        names = {stream.name for stream in self._streams}
        self._joined &= names
        fresh = sorted(names - self._joined)
        replies = self._wire.ask_all(
            [("XGROUP", "CREATE", name, self._group, "0") for name in fresh]
        )
        for name, reply in zip(fresh, replies, strict=True):
            if not isinstance(reply, ResponseError) or "BUSYGROUP" in str(reply):
                self._joined.add(name)
        self._streams = [stream for stream in self._streams if stream.name in self._joined]

    def _new(self, count: int, block_ms: int) -> list[Entry]:
        # COUNT is meant a stream: share it among those that were busy
        share = max(1, count // max(1, self._busy or len(self._streams)))
        found = self._read_group(">", share, max(1, min(block_ms, MAX_BLOCK_MS)))
        self._busy = len({entry.stream for entry in found})
        return found

    def _own(self, count: int) -> list[Entry]:
        share = max(1, count // max(1, len(self._streams)))
        return self._read_group("0", share, None)

    def _read_group(self, after: str, share: int, block_ms: int | None) -> list[Entry]:
        names = [stream.name for stream in self._streams]
        command: list[str | int] = ["XREADGROUP", "GROUP", self._group, self._process]
        command += ["COUNT", share] if block_ms is None else ["COUNT", share, "BLOCK", block_ms]
        try:
            reply = self._wire.ask(*command, "STREAMS", *names, *(after for _ in names))
        except BrokerError as error:
            if "NOGROUP" not in str(error) and "UNBLOCKED" not in str(error):
                raise
            self._joined.clear()  # a stream was deleted, or made anew without our group
            self._discovery.streams(fresh=True)
            return []
        now_ms = server_ms(self._wire)
        by_name = {stream.name: stream for stream in self._streams}
        result: list[Entry] = []
        for name, items in reply or ():
            result += self._kept(by_name[text(name)], entries(items), now_ms)
        # by time: what belongs together is then stored together; each stream stays in order
        result.sort(key=lambda entry: milliseconds(entry.position))
        return result

    def _kept(self, stream: Stream, found: Sequence[RawEntry], now_ms: int) -> list[Entry]:
        """The entries that still are; those deleted since we were given them are let go."""
        gone = [entry.position for entry in found if entry.fields is None]
        if gone:
            self._wire.ask("XACK", stream.name, self._group, *gone)
        return [
            to_entry(self._broker, stream, entry, now_ms)
            for entry in found
            if entry.fields is not None
        ]

    def _take_over(self) -> list[Entry]:
        """Claim what other processes of this group were given and did not finish."""
        lines = self._wire.ask_all(
            [
                ("XPENDING", s.name, self._group, "IDLE", TAKE_OVER_MS, "-", "+", TAKE_OVER_COUNT)
                for s in self._streams
            ]
        )
        result: list[Entry] = []
        now_ms = server_ms(self._wire)
        for stream, reply in zip(self._streams, lines, strict=True):
            others = [] if isinstance(reply, ResponseError) else pending(reply)
            positions = [line.position for line in others if line.process != self._process]
            if positions:
                target = (stream.name, self._group, self._process)
                claimed = self._wire.ask("XCLAIM", *target, TAKE_OVER_MS, *positions)
                result += self._kept(stream, entries(claimed), now_ms)
                self._recheck = True  # 6.2 keeps deleted entries pending: look and let them go
        return result


def to_entry(broker: str, stream: Stream, raw: RawEntry, now_ms: int) -> Entry:
    """One entry as the contract gives it; of a repeated field the last counts."""
    fields = raw.fields or []
    named = dict(zip(fields[::2], fields[1::2], strict=True))
    field, body = "data", named.pop(b"data", None)
    if body is None:
        field, body = take_body(named)
    try:
        headers = {_name(name): value.decode() for name, value in named.items()}
    except UnicodeDecodeError:
        headers = {_name(name): text(value) for name, value in named.items()}
    time = time_of(raw.position, now_ms)
    return Entry(broker, stream.name, stream.topic, raw.position, time, headers, body, field)


@lru_cache(maxsize=1024)
def _name(raw: bytes) -> str:
    """A field's name; the same few dozen names are in every entry."""
    return text(raw)
