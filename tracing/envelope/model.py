"""What every format is read into, and what went wrong where one could not be."""

from datetime import datetime
from hashlib import blake2b

import msgspec

from tracing.envelope.trace import trace_id

DIGEST = 16  # bytes: 128 bits


def identity(source: str, event_id: str) -> bytes:
    """The 16 bytes an event is known by: BLAKE2b of source, NUL, id."""
    return blake2b(f"{source}\0{event_id}".encode(), digest_size=DIGEST).digest()


def body_hash(data: bytes | None) -> bytes:
    """The 16 bytes by which two bodies are told apart; no body counts as an empty one."""
    return blake2b(data or b"", digest_size=DIGEST).digest()


def storable(text: str) -> str:
    """Text a database takes: NUL and lone surrogates written out as escapes."""
    if text.isprintable():
        return text
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


class EnvelopeError(ValueError):
    """A message that is no valid envelope: `path` names the attribute, or is empty."""

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.reason = reason
        self.path = path


class LimitError(EnvelopeError):
    """A message within the rules of CloudEvents and beyond a limit of this product."""


class Malformed(msgspec.Struct, frozen=True, gc=False):
    """Why a message on a broker is no envelope; in words an operator can act on."""

    reason: str


class Envelope(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One message as it came over the wire, validated. Text that is not there is empty.

    A msgspec struct because one is made for each message: a frozen dataclass costs ten times
    as much. `time_text` keeps the nanoseconds that `time` (aware, UTC) cannot.
    """

    id: str
    source: str
    type: str
    subject: str = ""
    time: datetime | None = None
    time_text: str = ""
    correlation_id: str = ""
    causes: tuple[str, ...] = ()  # event IDs, causationid first
    partition_key: str = ""
    sequence: str = ""
    traceparent: str = ""
    dataschema: str = ""
    content_type: str = ""
    extensions: dict[str, str] = {}  # canonical text; msgspec copies an empty default
    headers: dict[str, str] = {}  # transport headers that are no attribute
    shared_headers: bool = False  # they came with a whole batch, so their trace is no flow
    data: bytes | None = None
    attempt: str = ""  # our replay stamp
    target: str = ""  # the one consumer that resend is for
    keys: tuple[tuple[str, str], ...] = ()  # business keys its reader found: kind and value

    @property
    def identity(self) -> bytes:
        """What the event is known by."""
        return identity(self.source, self.id)

    @property
    def flow_id(self) -> str:
        """The correlation ID, else the trace ID, else the event itself."""
        if self.correlation_id:
            return self.correlation_id
        transport = "" if self.shared_headers else self.headers.get("traceparent", "")
        return trace_id(self.traceparent or transport) or self.identity.hex()
