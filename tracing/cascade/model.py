"""What a cascade is made of. Pure; all times are aware, in UTC. Structs as in tracing/rows.py."""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from tracing.cascade.kinds import Kind
from tracing.rows import AppearanceRow, EventRow

UNSEEN = "an event that was not seen"  # what one is called of which nothing else is known


class Evidence(StrEnum):
    """Why we believe that A led to B (DESIGN, words)."""

    CAUSATION = "causation"
    LINK = "link"
    PARENT_SPAN = "parent_span"
    DELIVERY = "delivery"
    INFERRED = "inferred"

    @property
    def words(self) -> str:
        """As it is shown: `parent span`."""
        return self.value.replace("_", " ")


class DeliveryState(StrEnum):
    """Where one consumer's handling of one event stands."""

    RUNNING = "running"
    RETRYING = "retrying"
    FAILED = "failed"
    REPLAYING = "replaying"
    SUCCEEDED = "succeeded"
    HANDLED = "handled"  # inferred: its consumer passed it, nobody said how it went
    SKIPPED = "skipped"
    MENDED = "mended"
    DISCARDED = "discarded"


class SegmentKind(StrEnum):
    """What the time on the critical path went into."""

    PUBLISH = "publish"  # handled, but what it emitted was seen only later
    QUEUE = "queue"
    HANDLING = "handling"
    BACKOFF = "backoff"
    DEAD = "dead"  # given up, waiting for a person
    GAP = "gap"  # caused by it, but nobody said who handled it

    @property
    def words(self) -> str:
        """What it is called: `queue wait`."""
        return SEGMENT_WORDS[self]


SEGMENT_WORDS = {
    SegmentKind.PUBLISH: "publish",
    SegmentKind.QUEUE: "queue wait",
    SegmentKind.HANDLING: "handling",
    SegmentKind.BACKOFF: "retry back-off",
    SegmentKind.DEAD: "dead letter",
    SegmentKind.GAP: "unknown, no receipts",
}


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """One try of a delivery. `ended_at` is None while it runs, and where nobody said it."""

    number: int
    outcome: str
    started_at: datetime  # adjusted by the clock rule
    raw_started_at: datetime  # as the process said
    ended_at: datetime | None
    error_type: str
    error_message: str
    process: str
    release: str
    replay_attempt: str
    retry_in_s: float | None
    receipt: bytes  # the receipt that settled it, to find its stack
    told_by: str  # origin of that receipt
    place: str  # stream and position of the copy it handled; empty when nobody said
    processes: tuple[str, ...]  # all that spoke of it

    @property
    def worker(self) -> str:
        """The end of the process's name, by which processes of one consumer differ."""
        return self.process.rpartition("-")[2][-8:]

    @property
    def took_s(self) -> float | None:
        """Seconds of handling, None while it runs, and where nobody said it."""
        if self.ended_at is None:
            return None
        return (self.ended_at - self.started_at).total_seconds()

    @property
    def inferred(self) -> bool:
        """Whether no receipt but the consumer's cursor and pending list tell of it."""
        return self.told_by == "inferred"

    @property
    def start_known(self) -> bool:
        """Whether `started_at` is more than the earliest that it can have been."""
        return self.outcome != "handled" or bool(self.process)  # it was seen pending before


class LetterMark(msgspec.Struct, frozen=True, gc=False):
    """What was done to the dead letter of a delivery."""

    at: datetime
    outcome: str  # dead_lettered, replayed, discarded, mended
    letter_id: int | None
    replay_attempt: str


class Emitted(msgspec.Struct, frozen=True, gc=False):
    """An event that a delivery published, and who says so."""

    identity: bytes
    evidence: Evidence


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """One consumer's handling of one event."""

    id: str
    identity: bytes  # of the event
    event: str  # its node
    consumer: str
    state: DeliveryState
    attempts: tuple[Attempt, ...]
    marks: tuple[LetterMark, ...]
    emitted: tuple[Emitted, ...]
    started_at: datetime
    ended_at: datetime | None  # None while it is running or waits for its next try
    shift_s: float  # how much later than its process said, by the clock rule
    evidence: Evidence

    @property
    def raw_started_at(self) -> datetime:
        """When it began by its process's own clock."""
        if not self.shift_s:
            return self.started_at
        return self.started_at - timedelta(seconds=self.shift_s)

    @property
    def raw_ended_at(self) -> datetime | None:
        """When it ended by its process's own clock."""
        if self.ended_at is None or not self.shift_s:
            return self.ended_at
        return self.ended_at - timedelta(seconds=self.shift_s)

    @property
    def letter_id(self) -> int | None:
        """The dead letter of this delivery, if there is one."""
        return next((m.letter_id for m in reversed(self.marks) if m.letter_id is not None), None)

    @property
    def tried(self) -> tuple[tuple[Attempt, bool], ...]:
        """Each attempt, and whether its end is lost: nobody said it, and it does not run."""
        last = len(self.attempts) - 1
        return tuple(
            (one, one.ended_at is None and (n < last or one.outcome == "handled"))
            for n, one in enumerate(self.attempts)
        )

    @property
    def start_known(self) -> bool:
        """Whether its start is known, and so how long it waited."""
        return not self.attempts or self.attempts[0].start_known

    @property
    def last_took_s(self) -> float | None:
        """Seconds of the last attempt; None while it runs, or without one."""
        return self.attempts[-1].took_s if self.attempts else None

    @property
    def tries(self) -> int:
        """How often it was tried, replays included."""
        return len(self.attempts)


class EventNode(msgspec.Struct, frozen=True, gc=False):
    """An event, or (row is None) the place of one that was named but never seen."""

    id: str
    row: EventRow | None
    name: str  # its type, or what is known of an unseen one
    at: datetime
    appearances: tuple[AppearanceRow, ...]
    outside: bool  # of another flow: a cause from there

    @property
    def seen(self) -> bool:
        """Whether the event itself was taken in."""
        return self.row is not None


class Edge(msgspec.Struct, frozen=True, gc=False):
    """One node led to another, and why we believe it. In JSON `from` and `to`."""

    origin: str = msgspec.field(name="from")
    target: str = msgspec.field(name="to")
    evidence: Evidence

    @property
    def ends(self) -> tuple[str, str]:
        """Both nodes."""
        return self.origin, self.target


class Anomaly(msgspec.Struct, frozen=True, gc=False):
    """Something a person should know about this cascade."""

    kind: Kind
    node: str
    detail: str  # one sentence for a person


class Segment(msgspec.Struct, frozen=True, gc=False):
    """A stretch of the critical path; `node` is what the time was spent on."""

    node: str
    kind: SegmentKind
    started_at: datetime
    seconds: float


class Share(msgspec.Struct, frozen=True, gc=False):
    """What all segments of one kind took, and which part of the critical path that is (0 to 1)."""

    kind: SegmentKind
    seconds: float
    share: float


class Line(msgspec.Struct, frozen=True, gc=False):
    """One row of the outline: the node, its depth, and the row number of its parent."""

    node: EventNode | Delivery
    depth: int
    parent: int | None


def event_node_id(identity: bytes) -> str:
    """The node of an event that is known by its identity."""
    return f"e-{identity.hex()}"


def delivery_node_id(identity: bytes, consumer: str) -> str:
    """The node of one consumer's handling of one event."""
    return f"d-{identity.hex()}-{consumer}"
