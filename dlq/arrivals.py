"""A dead letter as it arrives: marks and envelope read together, nothing looked up. Pure."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from msgspec import structs

from brokers import bearing, dialects
from brokers.config import Config
from brokers.contract import Entry
from brokers.dialects import DeadLetter
from cascade_client.fields import DATA, STAMPS, topic_of
from dlq.fingerprints import Fingerprint, fingerprint
from tracing.envelope import (
    Envelope,
    Malformed,
    Rules,
    from_entry,
    identity,
    positional,
    storable,
)

MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One copy of one death, with all that its letter would be made of."""

    broker: str
    dead_stream: str
    dead_position: str
    consumer: str
    topic: str
    stream: str  # where it was delivered from; "" when the marks do not say
    position: str  # there; "" when they do not say, known only with its stream
    attempt: str  # our replay stamp, or ""
    identity: bytes
    died_at: datetime  # by the marks: the consumer's clock
    landed_at: datetime  # on the queue: the broker's clock
    cause: Fingerprint
    marks: DeadLetter
    reason: str
    error_type: str
    error_message: str
    error_stack: str
    payload: bytes | None
    headers: dict[str, str]
    source: str = ""
    event_id: str = ""
    type: str = ""
    flow_id: str = ""
    lane: str = ""
    label: str = ""
    amount: Decimal | None = None
    currency: str = ""
    content_type: str = ""
    body_field: str = DATA
    key: str = field(default="")

    @property
    def copy(self) -> tuple[str, str, str]:
        """Where this copy lies."""
        return (self.broker, self.dead_stream, self.dead_position)

    @property
    def original(self) -> tuple[str, str, str]:
        """Where the message lay that died: copies of one death share it."""
        if self.stream and self.position:
            return (self.broker, self.stream, self.position)
        return self.copy


def read(entry: Entry, config: Config, rules: Rules, consumer: str, now: datetime) -> Arrival:
    """What one entry of a dead-letter queue says; `consumer` is who its name says gave it up."""
    marks = dialects.read(dict(entry.headers))
    quoted = bool(marks.stream and marks.position)
    found = from_entry(_original(entry, marks, quoted), rules)
    bad = found.reason if isinstance(found, Malformed) else ""
    who = storable(marks.consumer or consumer)[:255]
    message = storable(marks.error_message or bad)
    kind = storable(marks.error_type or ("Malformed" if bad else ""))[:255]
    arrival = Arrival(
        broker=entry.broker,
        dead_stream=entry.stream,
        dead_position=entry.position,
        consumer=who,
        topic=(topic_of(marks.stream) or marks.stream or entry.topic)[:255],
        stream=marks.stream[:255],
        position=marks.position[:64] if quoted else "",
        attempt=marks.headers.get(STAMPS[0], "")[:80],
        identity=b"",
        died_at=marks.died_at or entry.time or now,
        landed_at=entry.time or marks.died_at or now,
        cause=fingerprint(
            broker=entry.broker,
            consumer=who,
            error_type=kind,
            message=message,
            stack=marks.error_stack,
        ),
        marks=marks,
        reason=storable(marks.reason or (MALFORMED if bad else ""))[:80],
        error_type=kind,
        error_message=message,
        error_stack=storable(marks.error_stack),
        payload=entry.body,
        headers=_headers(marks),
        content_type=storable(marks.headers.get("content-type", ""))[:255],
        body_field=storable(entry.body_field)[:255],
    )
    return _known(arrival, found, config)


def _original(entry: Entry, marks: DeadLetter, quoted: bool) -> Entry:
    """The entry as it was delivered: at the place that is quoted, without the framework's marks."""
    if not quoted:
        return structs.replace(entry, headers=marks.headers)
    topic = topic_of(marks.stream) or marks.stream
    place = {"stream": marks.stream, "topic": topic, "position": marks.position}
    return structs.replace(entry, headers=marks.headers, **place)


def _headers(marks: DeadLetter) -> dict[str, str]:
    """The headers a letter keeps: what can be stored, less our own stamps."""
    kept = ((name, value) for name, value in marks.headers.items() if name not in STAMPS)
    return {storable(name): storable(value) for name, value in kept}


def _known(arrival: Arrival, found: Envelope | Malformed, config: Config) -> Arrival:
    """The arrival with what its envelope says; a malformed one is known by its position."""
    if isinstance(found, Malformed):
        _, stream, position = arrival.original
        whose = identity(*positional(arrival.broker, stream, position))
        return replace(arrival, identity=whose, key=_key(arrival, whose))
    data = bearing.parsed(found.data)
    amount, currency = bearing.amount(data, config.value)
    return replace(
        arrival,
        identity=found.identity,
        key=_key(arrival, found.identity),
        source=found.source,
        event_id=found.id,
        type=found.type,
        flow_id=found.flow_id,
        lane=found.partition_key,
        label=bearing.label(data, config.keys, found.keys),
        amount=amount,
        currency=currency,
    )


def _key(arrival: Arrival, whose: bytes) -> str:
    parts = (arrival.broker, arrival.topic, arrival.consumer, whose.hex())
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
