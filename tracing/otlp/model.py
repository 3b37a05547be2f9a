"""Spans, light: what ties them together, and what they say of messages."""

from datetime import datetime
from typing import Literal

import msgspec

from tracing.envelope import identity

SOURCE = "otlp"  # of an event that is known only by the span that made it

Role = Literal["sent", "handled"]
Known = Literal["span", "link", "parent_span"]  # how a span knows which messages it handled
Place = tuple[str, str]  # a span: trace ID and span ID, in hex


class Refused(ValueError):
    """A body that is no export request, or too large a one (`status` 400 or 413)."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message as a span names it: its event's source and id, and the span that made it."""

    source: str
    id: str
    trace_id: str = ""
    span_id: str = ""

    @property
    def identity(self) -> bytes:
        """What the event is known by."""
        return identity(self.source, self.id)

    @property
    def made_by(self) -> Place:
        """The span that made the message; empty texts where that is not known."""
        return self.trace_id, self.span_id


class Failure(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a span failed, as far as it says."""

    type: str = ""
    message: str = ""
    stack: str = ""


class Reading(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a messaging span says. `messages`: the one that was sent, or those handled."""

    role: Role
    messages: tuple[Message, ...]
    conversation: str = ""
    destination: str = ""
    type: str = ""
    subject: str = ""
    key: str = ""
    consumer: str = ""
    known_by: Known = "span"
    causes: tuple[str, ...] = ()  # event IDs that a sending span links to


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """One span, less what nobody needs once it is read. Times are aware, in UTC."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: int
    service: str
    started_at: datetime
    duration_ms: float
    failed: bool
    reading: Reading | None = None
    failure: Failure | None = None
    process: str = ""
    release: str = ""

    @property
    def place(self) -> Place:
        """What the span is known by."""
        return self.trace_id, self.span_id

    @property
    def parent(self) -> Place:
        """The span it was started in; without a span ID when it is a root."""
        return self.trace_id, self.parent_id

    @property
    def origin(self) -> Place:
        """The span that made the first message this one handled; empty texts for none."""
        if self.reading is None or self.reading.role != "handled":
            return "", ""
        return self.reading.messages[0].made_by
