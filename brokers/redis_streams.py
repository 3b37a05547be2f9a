"""Redis Streams, 6.2 and later, as one broker of the contract."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from redis import ResponseError

from brokers.config import BrokerConfig
from brokers.contract import (
    Beginning,
    BrokerError,
    ConsumerCursor,
    ConsumerLag,
    Delivered,
    Entry,
    PendingEntry,
    PendingSpan,
    QueueDepth,
    Stream,
    StreamState,
    Survey,
)
from brokers.discovery import Discovery, partitions_of, role_of
from brokers.redis_lag import survey
from brokers.redis_observe import RedisObserver
from brokers.redis_tap import TapReader, to_entry
from brokers.redis_wire import Wire, entries, order, pairs, server_ms, text


class RedisStreams:
    """One database of one Redis server. Not for use by several threads at once when tapping."""

    def __init__(self, config: BrokerConfig) -> None:
        self.config = config
        self.name = config.name
        self.taps = config.tap
        self.start = config.start
        self.wire = Wire(config.url)
        self._discovery = Discovery(self.wire, config)
        self._observer = RedisObserver(self.wire, config)
        self._taps: dict[tuple[str, str], TapReader] = {}

    @property
    def note(self) -> str:
        """What discovery has left out so far, in words; empty: nothing."""
        return self._discovery.note

    def now(self) -> datetime:
        """The server's clock. Raises BrokerError."""
        return datetime.fromtimestamp(server_ms(self.wire) / 1000, UTC)

    def streams(self) -> list[Stream]:
        """Everything discovered; raises BrokerError."""
        return self._discovery.streams()

    def survey(self, before: Mapping[str, StreamState]) -> Survey:
        """All streams, consumers and dead-letter queues in one pass; raises BrokerError."""
        streams = self._discovery.streams(fresh=True)
        return survey(self.wire, streams, before, self._discovery.note)

    def lag(self) -> list[ConsumerLag]:
        """Every consumer of every topic stream; raises BrokerError."""
        return self.survey({}).lag

    def depths(self) -> list[QueueDepth]:
        """Every dead-letter queue; raises BrokerError."""
        return self.survey({}).depths

    def read(
        self, group: str, process: str, count: int, block_ms: int, *, ahead: bool = False
    ) -> list[Entry]:
        """The next entries of all streams, own unacknowledged ones first; `ahead`: none of these.

        Writes: makes the group at the start of the streams. Raises BrokerError, also when
        `tap` is off for this broker.
        """
        return self._tap(group, process).read(count, block_ms, ahead=ahead)

    def acknowledge(self, group: str, entries: Iterable[Entry]) -> None:
        """Say that these are stored. Writes; raises BrokerError."""
        for (name, _), tap in self._taps.items():
            if name == group:
                tap.acknowledge(entries)
                return
        raise BrokerError(f"{group} reads nothing here")

    def begin(self, streams: Sequence[str], known_since: datetime) -> list[Beginning]:
        """Where the reading of these begins, as `start` says; raises BrokerError."""
        return self._observer.begin(streams, known_since)

    def read_after(self, cursors: Mapping[str, str], count: int, block_ms: int) -> list[Entry]:
        """About `count` entries after these positions, without a group; raises BrokerError."""
        return self._observer.read_after(cursors, count, block_ms)

    def states(self, streams: Sequence[str]) -> list[StreamState]:
        """How these streams stand; raises BrokerError."""
        return self._observer.states(streams)

    def latest(self, stream: str, count: int) -> list[Entry]:
        """The last entries of a stream, newest first; raises BrokerError when it is no stream."""
        found = role_of(stream, self.config)
        if found is None:
            return []
        reply = self.wire.ask("XREVRANGE", stream, "+", "-", "COUNT", count)
        now_ms = server_ms(self.wire)
        return [to_entry(self.name, found, line, now_ms) for line in entries(reply)]

    def cursors(self, streams: Sequence[str]) -> list[ConsumerCursor]:
        """Every consumer of these streams; raises BrokerError."""
        return self._observer.cursors(streams)

    def pending(
        self, spans: Sequence[PendingSpan], count: int
    ) -> list[Sequence[PendingEntry] | None]:
        """What is not acknowledged in each span, None where it is gone; raises BrokerError."""
        return self._observer.pending(spans, count)

    def entry(self, stream: str, position: str) -> Entry | None:
        """One entry, or None when it is gone or no position."""
        found = role_of(stream, self.config)
        if found is None or not _is_position(position):
            return None
        reply = self.wire.ask("XRANGE", stream, position, position)
        lines = entries(reply)
        return to_entry(self.name, found, lines[0], server_ms(self.wire)) if lines else None

    def delivered(self, stream: str, position: str, consumer: str) -> Delivered:
        """Where one message stands with one consumer; raises BrokerError."""
        if not _is_position(position):
            return Delivered.UNKNOWN
        groups, lines = self.wire.ask_all(
            [
                ("XINFO", "GROUPS", stream),
                ("XPENDING", stream, consumer, position, position, 1),
            ],
            atomic=True,
        )
        if isinstance(groups, ResponseError) or isinstance(lines, ResponseError):
            return Delivered.UNKNOWN
        if lines:
            return Delivered.PENDING
        for group in map(pairs, groups):
            if text(group["name"]) == consumer:
                passed = order(position) <= order(text(group["last-delivered-id"]))
                return Delivered.ACKNOWLEDGED if passed else Delivered.AHEAD
        return Delivered.UNKNOWN

    def consumers(self, topic: str) -> list[str]:
        """The consumers of any stream of this topic, sorted; raises BrokerError."""
        streams = partitions_of(self.streams(), topic)
        replies = self.wire.ask_all([("XINFO", "GROUPS", stream.name) for stream in streams])
        names: set[str] = set()
        for reply in replies:
            if not isinstance(reply, ResponseError):
                names.update(text(pairs(group)["name"]) for group in reply)
        return sorted(names)

    def close(self) -> None:
        """Give the connections back."""
        self.wire.close()

    def _tap(self, group: str, process: str) -> TapReader:
        if not self.config.tap:
            raise BrokerError(f"taking in events from {self.name} is off (tap = true turns it on)")
        key = (group, process)
        if key not in self._taps:
            self._taps[key] = TapReader(self.wire, self._discovery, self.name, group, process)
        return self._taps[key]


def _is_position(position: str) -> bool:
    head, dash, tail = position.partition("-")
    return head.isdigit() and (tail.isdigit() if dash else True)
