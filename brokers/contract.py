"""What a broker can do; one suite (tests/contracts) proves it of every broker.

Reading is free of effects except where a method says "writes" (promise 12).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec


class Method(StrEnum):
    """How a number of messages was known."""

    EXACT = "exact"
    BOUNDED = "bounded"  # at least this many
    UNKNOWN = "unknown"


class Role(StrEnum):
    """What a stream is for."""

    TOPIC = "topic"
    DEAD_LETTERS = "dead_letters"
    RECEIPTS = "receipts"


class BrokerError(Exception):
    """The broker could not be reached or refused; the text is safe to show."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One message as it lies on the broker. Change it by `msgspec.structs.replace`."""

    broker: str
    stream: str
    topic: str
    position: str
    time: datetime | None  # the broker's own time, where its position bears one
    headers: Mapping[str, str]  # fields that are not the body; bytes decoded, bad ones escaped
    body: bytes | None  # None: no body field at all
    body_field: str = "data"  # the field that the body came in


@dataclass(frozen=True, slots=True)
class Stream:
    """One partition of a topic, and what it is for."""

    name: str
    topic: str
    role: Role
    consumer: str = ""  # whose dead letters, where the name tells


@dataclass(frozen=True, slots=True)
class StreamState:
    """How one stream stands, now."""

    name: str
    topic: str
    role: Role
    length: int
    first: str  # position of the first entry kept; "" when there is none
    head: str  # position of the last entry ever added
    first_at: datetime | None = None  # the broker's time of the first entry
    added: int | None = None  # entries ever added, where the broker counts them
    arrived: int | None = None  # entries added since the state given to `survey`; None: unknown


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where the reading of a stream from a cursor of our own begins."""

    stream: str
    position: str  # what comes after it is read
    left_out: int | None  # entries before it that are not read; None: some, not counted
    since: datetime | None  # the broker's time of the oldest that is read; None: all, or unknown
    added: int | None  # entries ever added up to the position, where the broker counts them


@dataclass(frozen=True, slots=True)
class Process:
    """One member of a consumer that the broker has seen lately."""

    name: str
    idle_s: float  # since it last asked or acknowledged
    pending: int


@dataclass(frozen=True, slots=True)
class ConsumerLag:
    """One consumer on one stream, now. None is unknown, `reason` says why.

    Ages are of the messages (now less the broker's time of the message), not of a delivery.
    """

    stream: str
    topic: str
    consumer: str
    messages: int | None
    method: Method
    cursor: str
    head: str
    oldest_s: float | None  # of the oldest undelivered; None with messages 0 is "none"
    pending: int | None
    oldest_pending_s: float | None  # 0: none, or none that still has its payload
    processes: int | None
    members: tuple[Process, ...] = ()
    lost: int | None = None  # trimmed before this consumer read them; None: cannot be told
    payload_lost: int = 0  # pending, but the entry is gone; at least
    delivered: int | None = None  # entries read ever, where the broker counts them
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ConsumerCursor:
    """How far one consumer was given one stream."""

    stream: str
    consumer: str
    position: str  # of the last entry it was given


@dataclass(frozen=True, slots=True)
class PendingSpan:
    """A stretch of a stream of which one consumer's unacknowledged entries are asked for."""

    stream: str
    consumer: str
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class PendingEntry:
    """An entry that was given to a consumer and is not acknowledged."""

    position: str
    process: str
    idle_s: float  # since it was given last
    tries: int


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """A dead-letter queue, now."""

    stream: str
    consumer: str
    messages: int | None
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True)
class Survey:
    """One look at everything a broker has, as of one moment of its clock."""

    at: datetime
    streams: list[StreamState]
    lag: list[ConsumerLag]
    depths: list[QueueDepth]
    note: str = ""  # what was left out


class Delivered(StrEnum):
    """Where one message stands with one consumer, by cursor and pending list."""

    AHEAD = "ahead"  # the cursor has not reached it
    PENDING = "pending"  # delivered, not acknowledged
    ACKNOWLEDGED = "acknowledged"  # passed and not pending
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Placement:
    """What a send left on the broker."""

    stream: str
    position: str


class Target(StrEnum):
    """How a dead letter gets back to the consumer that gave it up."""

    REPEND = "repend"  # the original entry, pending again for that consumer alone
    RETRY = "retry"  # the consumer's own retry queue
    MARK = "mark"  # its topic, with a mark that makes the other consumers pass it by
    TOPIC = "topic"  # its topic: other consumers see it too (promise 6)


class SendResult(StrEnum):
    """What became of one send."""

    SENT = "sent"  # now
    AGAIN = "again"  # by an earlier send with the same attempt; nothing was sent now
    GONE = "gone"  # no copy is left on the dead-letter queue; nothing was sent
    NO_ENTRY = "no_entry"  # repend: the original entry is gone; nothing was sent
    REFUSED = "refused"  # the broker said no; nothing was sent, `detail` says why
    UNKNOWN = "unknown"  # the connection broke: the marker tells


@dataclass(frozen=True, slots=True)
class Sent:
    """The answer to one send; the placement is there for SENT and AGAIN."""

    result: SendResult
    placement: Placement | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Send:
    """One dead letter to be sent again, and the copies to be removed with it."""

    attempt: str  # the stamp; asked again with the same attempt, nothing is sent twice
    consumer: str
    stream: str  # where it was delivered from
    position: str
    sources: Sequence[Placement]  # copies on the dead-letter queue, removed when sent
    headers: Mapping[str, str]  # as to be sent
    body: bytes | None  # as to be sent
    edited: bool
    origin: Mapping[str, str] = field(default_factory=dict)  # the headers before the edit
    marks: Sequence[str] = ()  # names of the framework's own on the copies: left off
    retry_stream: str = ""  # for Target.RETRY
    body_field: str = "data"  # the field that the body goes into


class Broker(Protocol):
    """A system to observe and, where switched on, to mend."""

    name: str
    taps: bool  # whether events are read in a consumer group, which writes
    start: str  # else: where the reading of a stream begins (brokers/start.py)

    def now(self) -> datetime:
        """The broker's clock. Raises BrokerError."""

    def streams(self) -> list[Stream]:
        """Everything discovered, within include and exclude; raises BrokerError."""

    def survey(self, before: Mapping[str, StreamState]) -> Survey:
        """All streams, consumers and dead-letter queues in one pass; raises BrokerError.

        `before` is what an earlier survey said of each stream, by name; it makes `arrived` known.
        """

    def lag(self) -> list[ConsumerLag]:
        """Every consumer of every topic stream; raises BrokerError."""

    def depths(self) -> list[QueueDepth]:
        """Every dead-letter queue; raises BrokerError."""

    def read(
        self, group: str, process: str, count: int, block_ms: int, *, ahead: bool = False
    ) -> list[Entry]:
        """The next entries of all streams for a tap, its own unacknowledged ones first.

        `ahead`: those after the ones that are still to be acknowledged; none when that cannot be.
        Writes: makes the group at the start of the streams if it is new.
        """

    def acknowledge(self, group: str, entries: Iterable[Entry]) -> None:
        """Say that these are stored. Writes."""

    def begin(self, streams: Sequence[str], known_since: datetime) -> list[Beginning]:
        """Where reading these begins, `known_since` at the latest; those gone are left out."""

    def read_after(self, cursors: Mapping[str, str], count: int, block_ms: int) -> list[Entry]:
        """About `count` entries that come after these positions, by stream; each stream's in order.

        Waits at most `block_ms` for the first. Knows nothing of the entries given out before.
        """

    def states(self, streams: Sequence[str]) -> list[StreamState]:
        """How these streams stand; those that are gone are left out."""

    def latest(self, stream: str, count: int) -> list[Entry]:
        """The last entries of a stream, newest first; [] when it is none of ours."""

    def cursors(self, streams: Sequence[str]) -> list[ConsumerCursor]:
        """Every consumer of these streams; of those that are gone there are none."""

    def pending(
        self, spans: Sequence[PendingSpan], count: int
    ) -> list[Sequence[PendingEntry] | None]:
        """For each span the first `count` of its pending entries, in order; None: it is gone."""

    def entry(self, stream: str, position: str) -> Entry | None:
        """One entry, or None when it is gone."""

    def delivered(self, stream: str, position: str, consumer: str) -> Delivered:
        """Where one message stands with one consumer."""

    def consumers(self, topic: str) -> list[str]:
        """The consumers that read this topic (any stream of it), sorted."""
