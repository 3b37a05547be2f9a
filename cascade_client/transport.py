"""What a broker must be able to do for a producer and a consumer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cascade_client.envelope import Envelope, Fields


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of one process to handle one stream for one consumer, until a newer token."""

    stream: str
    consumer: str
    process: str
    token: str


@dataclass(frozen=True, slots=True)
class Taken:
    """One entry to handle now; `deliveries` counts this try (1 is the first)."""

    position: str
    deliveries: int
    fields: Fields
    replay: str = ""  # attempt of the replay that made the entry pending again


@dataclass(frozen=True, slots=True)
class Lost:
    """A pending entry whose payload is gone."""

    position: str
    deliveries: int
    replay: str = ""


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing to handle; `after` is the consumer's cursor."""

    after: str


@dataclass(frozen=True, slots=True)
class Document:
    """A state document the handler read, and wrote if `body` is not None."""

    name: str
    version: int  # as read; 0: there was none
    body: bytes | None = None
    keep_s: float | None = None  # forget it after so many seconds


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that becomes true in one step together with the acknowledgement."""

    position: str
    identity: bytes | None = None  # remembered as handled
    documents: Sequence[Document] = ()
    events: Sequence[tuple[str, Envelope]] = ()  # topic, event
    receipt: Fields = ()


class Transport(Protocol):
    """All methods raise TransportError when the broker is away; a Lease may raise Fenced."""

    def publish(self, topic: str, event: Envelope) -> str:
        """Confirmed publish; the position. The same event twice is published once."""

    def streams(self, topics: Iterable[str]) -> list[str]:
        """The streams of these topics, sorted."""

    def prepare(self, stream: str, consumer: str) -> None:
        """Make the consumer known on the stream, from its beginning."""

    def join(self, consumer: str, process: str, ttl_s: float) -> int:
        """Say that the process lives; how many processes of this consumer do."""

    def leave(self, consumer: str, process: str) -> None:
        """Say that the process ends."""

    def acquire(self, stream: str, consumer: str, process: str, ttl_s: float) -> Lease | None:
        """The lease, or None while another process holds it."""

    def renew(self, lease: Lease, ttl_s: float) -> bool:
        """Extend the lease and show the signs of life; False when it is lost."""

    def release(self, lease: Lease) -> None:
        """Give the lease back, if it is still ours."""

    def take(self, lease: Lease) -> Taken | Lost | Idle:
        """The oldest pending entry of the consumer, whoever it is pending for, else the next."""

    def wait(self, stream: str, after: str, timeout_s: float) -> None:
        """Return when the stream goes on after this position, or after the time."""

    def extend(self, lease: Lease, position: str) -> None:
        """Keep the entry ours without counting a try."""

    def seen(self, consumer: str, identity: bytes) -> bool:
        """Whether the consumer has handled this event."""

    def read_document(self, consumer: str, name: str) -> tuple[int, Any]:
        """Version and value of a state document; (0, None) where there is none."""

    def commit(self, lease: Lease, outcome: Outcome) -> str:
        """All of the outcome in one step: `done`, or nothing of it: `seen` or `conflict`.

        Called again with the same outcome after an answer got lost, it answers `done`.
        """

    def dead_letter(
        self, lease: Lease, position: str, stamps: Fields, receipt: Fields
    ) -> str | None:
        """Copy the entry as it is, add the stamps and acknowledge it, in one step.

        The position on the dead-letter queue, or None when it is pending no longer.
        """

    def report(self, receipt: Fields) -> None:
        """Publish a receipt that settles nothing."""
