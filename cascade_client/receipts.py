"""Receipts: what became of one attempt, as a CloudEvent on `cascade.receipts`."""

import json
import time
import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from cascade_client import fields
from cascade_client.envelope import JSON, Envelope, Fields, rfc3339, to_fields
from cascade_client.scrub import ErrorText


class Outcome(StrEnum):
    """What became of an attempt."""

    STARTED = "started"  # handling takes more than a second
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # the payload was lost
    RETRYING = "retrying"
    DEAD_LETTERED = "dead_lettered"
    SKIPPED = "skipped"  # handled before, or nothing here handles its type


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of one consumer at one entry."""

    source: str  # of the consumer
    consumer: str
    process: str
    release: str
    stream: str
    position: str
    number: int
    started_at: datetime
    event: Envelope
    replay_attempt: str = ""
    started: float = field(default_factory=time.monotonic)  # a wall clock may be set back

    @property
    def seconds(self) -> float:
        """How long it takes until now."""
        return time.monotonic() - self.started

    def receipt(
        self,
        outcome: Outcome,
        *,
        error: ErrorText | None = None,
        retry_in_s: float | None = None,
        events: Iterable[Envelope] = (),
    ) -> Fields:
        """The fields of the receipt; the duration is that until now.

        `event_source` and `event_id` are empty where the message has none: then `stream` and
        `position` say which it is.
        """
        data = {
            **self._facts(),
            "outcome": outcome.value,
            "error": asdict(error) if error else None,
            "retry_in_ms": None if retry_in_s is None else round(retry_in_s * 1000, 3),
            "events": [{"source": event.source, "id": event.id} for event in events],
        }
        return to_fields(
            Envelope(
                id=str(uuid.uuid4()),
                source=self.source,
                type=fields.RECEIPT_TYPE,
                body=json.dumps(data, separators=(",", ":")).encode(),
                time=rfc3339(datetime.now(UTC)),
                subject=f"{self.stream}/{self.position}",
                correlation_id=self.event.flow_id,
                causes=(self.event.id,) if self.event.id else (),
                content_type=JSON,
            )
        )

    def _facts(self) -> dict[str, str | int | float | None]:
        """What every receipt of this attempt says."""
        return {
            "event_source": self.event.source,
            "event_id": self.event.id,
            "stream": self.stream,
            "position": self.position,
            "consumer": self.consumer,
            "attempt": self.number,
            "started_at": rfc3339(self.started_at),
            "duration_ms": round(self.seconds * 1000, 3),
            "process": self.process,
            "release": self.release,
            "replay_attempt": self.replay_attempt or None,
        }
