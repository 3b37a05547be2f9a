"""What spans prove: events that were sent, receipts of what was handled, and what led to what.

Each is known by its spans, so the same spans again prove the same things again.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from cascade_client.fields import RECEIPT_TYPE
from tracing.envelope import Envelope
from tracing.otlp.model import SOURCE, Known, Message, Place, Reading, Span
from tracing.otlp.relations import handling_of, way_of

FAN_IN = 32  # messages of one handling that are taken for causes of what it sent


@dataclass(frozen=True, slots=True)
class Evidence:
    """An event or a receipt, and the span that proves it."""

    envelope: Envelope
    span: Span
    stream: str
    origin: Known = "span"  # of a receipt: how it is known which event was handled


def evidence(new: Set[Place], spans: Mapping[Place, Span]) -> Iterator[Evidence]:
    """All that is to be said because these spans are new among all that are known."""
    for place in sorted(spans):
        span = spans[place]
        if span.reading is None:
            continue
        if span.reading.role == "handled":
            if place in new:
                yield from _receipts(span, span.reading)
            continue
        way = way_of(span, spans)
        if not way.spans.isdisjoint(new):
            yield _event(span, span.reading, way.flow_id, way.steps)
        handling, between = handling_of(span, spans)
        if handling is not None and not new.isdisjoint(between):
            yield from _published(handling, span.reading.messages[0], span)


def _event(span: Span, reading: Reading, flow_id: str, steps: int) -> Evidence:
    """The event a span made. Its time is a microsecond earlier for each step of the way back.

    Of several readings the store keeps the earliest, so the one that knows most.
    """
    message = reading.messages[0]
    envelope = Envelope(
        id=message.id,
        source=message.source,
        type=reading.type or "message",
        subject=reading.subject,
        time=span.started_at - timedelta(microseconds=steps),
        correlation_id="" if flow_id == span.trace_id else flow_id,
        causes=reading.causes,
        partition_key=reading.key,
        traceparent=_traceparent(span.place),
    )
    return Evidence(envelope, span, reading.destination)


def _receipts(span: Span, reading: Reading) -> Iterator[Evidence]:
    """One receipt for each message that was handled."""
    failure = None
    if span.failure is not None:
        failure = {
            "type": span.failure.type,
            "message": span.failure.message,
            "stack": span.failure.stack or None,
        }
    said = {
        "outcome": "failed" if span.failed else "succeeded",
        "duration_ms": span.duration_ms,
        "error": failure,
        "process": span.process or None,
        "release": span.release or None,
    }
    for number, message in enumerate(reading.messages):
        name = _position(span, number)
        yield _receipt(span, reading, message, name, said | {"position": name})


def _published(handling: Span, sent: Message, by: Span) -> Iterator[Evidence]:
    """That a handling sent this message: one more receipt of the attempt, which settles nothing."""
    reading = handling.reading
    if reading is None or len(reading.messages) > FAN_IN:
        return
    for number, message in enumerate(reading.messages):
        said = {
            "outcome": "started",
            "position": _position(handling, number),
            "events": [{"source": sent.source, "id": sent.id}],
        }
        name = f"{_position(handling, number)}/{by.span_id}"
        yield _receipt(handling, reading, message, name, said)


def _receipt(
    span: Span, reading: Reading, message: Message, name: str, said: Mapping[str, object]
) -> Evidence:
    body = {
        "event_source": message.source,
        "event_id": message.id,
        "stream": reading.destination,
        "consumer": reading.consumer,
        "started_at": _text(span.started_at),
        **said,
    }
    envelope = Envelope(
        id=name,
        source=f"{SOURCE}/{reading.consumer}",
        type=RECEIPT_TYPE,
        time=span.started_at + timedelta(milliseconds=span.duration_ms),
        correlation_id=reading.conversation,
        traceparent=_traceparent(message.made_by if message.trace_id else span.place),
        data=msgspec.json.encode(body),
    )
    return Evidence(envelope, span, reading.destination, reading.known_by)


def _position(span: Span, number: int) -> str:
    """Where a message was handled: each span is an attempt of its own."""
    suffix = f"-{number}" if number else ""
    return f"{span.trace_id}-{span.span_id}{suffix}"


def _traceparent(place: Place) -> str:
    return f"00-{place[0]}-{place[1]}-01"


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def by_place(spans: Iterable[Span]) -> dict[Place, Span]:
    """Spans by what they are known by."""
    return {span.place: span for span in spans}
