"""From an export request, protobuf or JSON, to spans; a bad span is left out and counted."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

from tracing.envelope import storable
from tracing.otlp import json_format as wire
from tracing.otlp.messaging import Link, Raw, Value, failure_of, read
from tracing.otlp.model import Span

SPANS = 50_000  # in one request: more are refused
NAME = 255  # characters kept of a name
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_NS = 2**63 - 1  # in the year 2262
KINDS = range(6)  # SpanKind; another one counts as unspecified
ERROR = 2  # STATUS_CODE_ERROR
DIGITS = frozenset("0123456789abcdef")

Attributes = Mapping[str, Value]


class Refused(ValueError):
    """A body that is no export request, or too large a one (`status` 400 or 413)."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


class BadSpan(ValueError):
    """A span that cannot be kept."""


@dataclass(slots=True)
class Decoded:
    """The spans of a request, how many of it were bad, and what was wrong with the first."""

    spans: list[Span] = field(default_factory=list)
    rejected: int = 0
    reason: str = ""


def from_protobuf(body: bytes) -> Decoded:
    """The spans of a binary request. Raises Refused, and nothing else."""
    try:
        request = ExportTraceServiceRequest.FromString(body)
    except DecodeError as error:
        raise Refused("the body is no ExportTraceServiceRequest in protobuf") from error
    return _decoded(_of_protobuf(request))


def from_json(body: bytes) -> Decoded:
    """The spans of a JSON request. Raises Refused, and nothing else."""
    try:
        request = wire.DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"the body is no ExportTraceServiceRequest in JSON: {error}") from error
    return _decoded(wire.raw_spans(request))


def _decoded(found: Iterable[tuple[Attributes, Raw]]) -> Decoded:
    answer = Decoded()
    for number, (resource, raw) in enumerate(found):
        if number >= SPANS:
            raise Refused(f"more than {SPANS:,} spans in one request", 413)
        try:
            answer.spans.append(_span(resource, raw))
        except BadSpan as error:
            answer.rejected += 1
            answer.reason = answer.reason or f"span {number}: {error}"
    return answer


def _span(resource: Attributes, raw: Raw) -> Span:
    """Raises BadSpan."""
    trace_id = _id(raw.trace_id, 32, "trace_id")
    span_id = _id(raw.span_id, 16, "span_id")
    parent_id = _id(raw.parent_id, 16, "parent_span_id") if raw.parent_id.strip("0") else ""
    service = _text(resource, "service.name") or "unknown_service"
    started_at = _moment(raw.start_ns)
    reading = read(raw, service)
    failed = raw.status == ERROR or (reading is not None and "error.type" in raw.attributes)
    return Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_id=parent_id,
        name=storable(raw.name)[:NAME],
        kind=raw.kind if raw.kind in KINDS else 0,
        service=service,
        started_at=started_at,
        duration_ms=max(0, min(raw.end_ns, LAST_NS) - raw.start_ns) / 1e6,
        failed=failed,
        reading=reading,
        failure=failure_of(raw) if failed else None,
        process=_text(resource, "service.instance.id") or _text(resource, "host.name"),
        release=_text(resource, "service.version")[:80],
    )


def _id(text: str, length: int, name: str) -> str:
    lower = text.lower()
    if len(lower) != length or not DIGITS.issuperset(lower) or not lower.strip("0"):
        raise BadSpan(f"{name} is not {length // 2} bytes, or is all zeros")
    return lower


def _moment(nanoseconds: int) -> datetime:
    if not 0 < nanoseconds <= LAST_NS:
        raise BadSpan("start_time_unix_nano is missing or out of range")
    return EPOCH + timedelta(microseconds=nanoseconds // 1000)


def _text(attributes: Attributes, name: str) -> str:
    return storable(str(attributes.get(name, "")))[:NAME]


def _of_protobuf(request: ExportTraceServiceRequest) -> Iterator[tuple[Attributes, Raw]]:
    for resource_spans in request.resource_spans:
        resource = _attributes(resource_spans.resource.attributes)
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                yield resource, _raw(span)


def _raw(span: trace_pb2.Span) -> Raw:
    return Raw(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        name=span.name,
        kind=span.kind,
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        status=span.status.code,
        status_message=span.status.message,
        attributes=_attributes(span.attributes),
        links=[
            Link(link.trace_id.hex(), link.span_id.hex(), _attributes(link.attributes))
            for link in span.links
        ],
        exceptions=[
            _attributes(event.attributes) for event in span.events if event.name == "exception"
        ],
    )


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Value]:
    return {pair.key: value for pair in pairs if (value := _value(pair.value)) is not None}


def _value(value: AnyValue) -> Value | None:
    """Texts, numbers and truth values; what is nested says nothing of messages."""
    which = value.WhichOneof("value")
    if which == "string_value":
        return value.string_value
    if which == "int_value":
        return value.int_value
    if which == "bool_value":
        return value.bool_value
    return value.double_value if which == "double_value" else None
