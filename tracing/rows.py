"""The rows a cascade is rebuilt from, without Django: the pure modules see only these.

msgspec structs because a cascade of 10,000 nodes is 15,000 of them: a frozen dataclass costs ten
times as much to make.
"""

from datetime import datetime
from typing import NamedTuple

import msgspec

SPAN_BROKER = "otlp"  # of an appearance that only a span tells of
HTTP_BROKER = "http"  # of an event that was posted to us: where it was published is not known


class EventRow(msgspec.Struct, frozen=True, gc=False):
    """One event as stored, without its body and headers. Times are aware, in UTC."""

    identity: bytes
    source: str
    event_id: str
    type: str
    flow_id: str
    published_at: datetime
    causes: tuple[str, ...] = ()  # event IDs, causationid first
    partition_key: str = ""
    sequence: str = ""
    body_hash: bytes = b""
    broker: str = ""
    topic: str = ""


class AppearanceRow(msgspec.Struct, frozen=True, gc=False):
    """One place where an event was seen."""

    identity: bytes
    broker: str
    stream: str
    position: str
    broker_time: datetime | None
    body_hash: bytes = b""
    replay_attempt: str = ""
    replay_target: str = ""
    dead: bool = False  # the copy on a dead-letter queue

    @property
    def place(self) -> tuple[bytes, str, str, str]:
        """What it is known by."""
        return self.identity, self.broker, self.stream, self.position

    @property
    def original(self) -> bool:
        """Whether it was published here: no replay of ours, no dead letter, and no span of a
        message seen here."""
        return not (self.replay_attempt or self.dead) and self.broker != SPAN_BROKER


class ReceiptRow(msgspec.Struct, frozen=True, gc=False):
    """Evidence of one attempt, or (origin `letter`) of what was done to its dead letter."""

    receipt_identity: bytes
    identity: bytes  # of the event that was handled
    flow_id: str
    consumer: str
    outcome: str
    started_at: datetime
    seen_at: datetime
    attempt: int = 1
    duration_ms: float | None = None
    stream: str = ""
    position: str = ""
    error_type: str = ""
    error_message: str = ""
    error_stack: str = ""  # empty where many receipts are read at once
    process: str = ""
    release: str = ""
    replay_attempt: str = ""
    retry_in_ms: float | None = None
    published: tuple[bytes, ...] = ()  # identities of the events this attempt emitted
    origin: str = "receipt"  # letter, or who told: receipt, span, link, parent_span, inferred
    letter_id: int | None = None


class AttemptOutcome(NamedTuple):
    """What one consumer said of one replay attempt."""

    replay_attempt: str
    consumer: str
    outcome: str
    seen_at: datetime
    process: str = ""
    error_type: str = ""
    error_message: str = ""
