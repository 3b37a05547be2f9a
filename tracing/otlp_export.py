"""A cascade as OTLP/JSON: one trace that any tool, and our own /v1/traces, takes.

An event is a PRODUCER span that created the message, an attempt a CONSUMER span that processes it
and links to it; what a delivery emitted has its span for a parent, further causes are links. Names
are those of OpenTelemetry's messaging conventions 1.44. IDs follow from the cascade's own, so the
same cascade is the same trace. Masked like the other exports. What was never seen, still runs or
is only inferred is no span.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import msgspec

from kit.redaction import mask_text
from tracing.cascade import Attempt, Cascade, Delivery, EventNode
from tracing.rows import EventRow
from tracing.ties import is_trace

PRODUCER, CONSUMER = 4, 5  # SpanKind
OK, ERROR = 1, 2  # StatusCode
FAILED = ("retrying", "failed", "dead_lettered")
SCOPE = {"name": "cascade-console"}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def otlp(cascade: Cascade) -> bytes:
    """An ExportTraceServiceRequest in JSON: IDs in hex, times in nanoseconds as text."""
    by_service: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for service, span in _spans(cascade, _trace_id(cascade.flow_id)):
        by_service[service].append(span)
    resources = [
        {
            "resource": {"attributes": _attributes({"service.name": service})},
            "scopeSpans": [{"scope": SCOPE, "spans": spans}],
        }
        for service, spans in by_service.items()
    ]
    return msgspec.json.encode({"resourceSpans": resources})


def _spans(cascade: Cascade, trace_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
    emitters = {
        event.identity: delivery
        for delivery in cascade.deliveries
        for event in delivery.emitted
        if _told(delivery)
    }
    for node in cascade.events:
        if node.row is not None:
            emitter = emitters.get(node.row.identity)
            yield mask_text(node.row.source), _event(cascade, node, node.row, trace_id, emitter)
    for delivery in cascade.deliveries:
        event = cascade.event_of(delivery)
        for number, attempt in _told(delivery):
            yield delivery.consumer, _attempt(delivery, number, attempt, event, trace_id)


def _told(delivery: Delivery) -> list[tuple[int, Attempt]]:
    """The attempts that ended, and that somebody told of."""
    return [
        (number, attempt)
        for number, attempt in enumerate(delivery.attempts)
        if attempt.ended_at is not None and attempt.told_by != "inferred"
    ]


def _event(
    cascade: Cascade, node: EventNode, row: EventRow, trace_id: str, emitter: Delivery | None
) -> dict[str, Any]:
    causes = [cascade.nodes[edge.origin] for edge in cascade.into.get(node.id, ())]
    links = [_link(one, trace_id) for one in causes if isinstance(one, EventNode) and one.row]
    parent = _span_id(f"{emitter.id} {_told(emitter)[-1][0]}") if emitter else ""
    said = {
        "messaging.system": row.broker,
        "messaging.operation.name": "create",
        "messaging.operation.type": "create",
        "messaging.destination.name": row.topic,
        "messaging.message.id": row.event_id,
        "messaging.message.conversation_id": row.flow_id,
        "cloudevents.event_type": row.type,
        **_named(row),
    }
    return {
        "traceId": trace_id,
        "spanId": _span_id(node.id),
        "parentSpanId": parent,
        "name": f"create {row.topic or row.type}",
        "kind": PRODUCER,
        "startTimeUnixNano": _nano(node.at),
        "endTimeUnixNano": _nano(node.at),
        "attributes": _attributes(said),
        "links": links,
        "status": {},
    }


def _attempt(
    delivery: Delivery, number: int, attempt: Attempt, event: EventNode, trace_id: str
) -> dict[str, Any]:
    failed = attempt.outcome in FAILED
    topic = event.row.topic if event.row else ""
    said = {
        "messaging.system": event.row.broker if event.row else "",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": topic,
        "messaging.consumer.group.name": delivery.consumer,
        "messaging.message.conversation_id": event.row.flow_id if event.row else "",
        "error.type": (attempt.error_type or "error") if failed else "",
        "cascade.outcome": attempt.outcome,
    }
    thrown = {"exception.type": attempt.error_type, "exception.message": attempt.error_message}
    thrown = {name: mask_text(text) for name, text in thrown.items()}
    ended = _nano(attempt.ended_at or attempt.started_at)
    exception = {"name": "exception", "timeUnixNano": ended, "attributes": _attributes(thrown)}
    return {
        "traceId": trace_id,
        "spanId": _span_id(f"{delivery.id} {number}"),
        "parentSpanId": "",
        "name": f"process {topic or event.name}",
        "kind": CONSUMER,
        "startTimeUnixNano": _nano(attempt.started_at),
        "endTimeUnixNano": ended,
        "attributes": _attributes(said),
        "events": [exception] if failed else [],
        "links": [_link(event, trace_id)],
        "status": {"code": ERROR if failed else OK},
    }


def _link(event: EventNode, trace_id: str) -> dict[str, Any]:
    named = _named(event.row) if event.row else {}
    if event.row:
        named["messaging.message.id"] = event.row.event_id
    return {
        "traceId": trace_id,
        "spanId": _span_id(event.id),
        "attributes": _attributes(named),
    }


def _named(row: EventRow) -> dict[str, str]:
    return {
        "cloudevents.event_id": row.event_id,
        "cloudevents.event_source": mask_text(row.source),
    }


def _attributes(said: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": text}} for key, text in said.items() if text]


def _trace_id(flow_id: str) -> str:
    """The flow's own trace, where it is known by one."""
    return flow_id if is_trace(flow_id) else _digest(flow_id, 16)


def _span_id(name: str) -> str:
    return _digest(name, 8)


def _digest(text: str, size: int) -> str:
    return blake2b(text.encode(errors="surrogatepass"), digest_size=size).hexdigest()


def _nano(moment: datetime) -> str:
    return str((moment - EPOCH) // timedelta(microseconds=1) * 1_000)
