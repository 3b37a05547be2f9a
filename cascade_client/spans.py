"""Handling as an OpenTelemetry span; without an SDK the trace is only passed on."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import propagate, trace

from cascade_client.envelope import Envelope
from cascade_client.fields import topic_of
from cascade_client.receipts import Attempt

_tracer = trace.get_tracer("cascade_client")


@contextmanager
def processing(event: Envelope, attempt: Attempt) -> Iterator[None]:
    """A `process` span under the event's own trace, current for what is published inside."""
    carrier = {"traceparent": event.traceparent, "tracestate": event.tracestate}
    parent = propagate.extract({name: value for name, value in carrier.items() if value})
    topic = topic_of(attempt.stream)
    span = _tracer.start_span(
        f"process {topic}",
        context=parent,
        kind=trace.SpanKind.CONSUMER,
        attributes={
            "messaging.system": "redis",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.destination.name": topic,
            "messaging.destination.partition.id": attempt.stream,
            "messaging.consumer.group.name": attempt.consumer,
            "messaging.message.id": attempt.position,
            "messaging.message.conversation_id": event.flow_id,
            "cloudevents.event_id": event.id,
            "cloudevents.event_source": event.source,
            "cloudevents.event_type": event.type,
        },
    )
    with trace.use_span(span, end_on_exit=True):
        yield
