"""From an export request, protobuf or JSON, to spans; a bad span is left out and counted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec
from google.protobuf.message import DecodeError

from tracing.envelope import storable
from tracing.otlp import json_format, protobuf_format
from tracing.otlp.messaging import Raw, Value, failure_of, read
from tracing.otlp.model import Refused, Span

SPANS = 50_000  # in one request: more are refused
MESSAGES = 100_000  # that the spans of one request tell of: more are refused
OBJECTS = 1_000_000  # in one JSON body: more are refused before they are made
NAME = 255  # characters kept of a name
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_NS = 2**63 - 1  # in the year 2262
KINDS = range(6)  # SpanKind; another one counts as unspecified
ERROR = 2  # STATUS_CODE_ERROR
DIGITS = frozenset("0123456789abcdef")

Attributes = Mapping[str, Value]


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
        return _decoded(protobuf_format.raw_spans(body))
    except DecodeError as error:
        raise Refused("the body is no ExportTraceServiceRequest in protobuf") from error


def from_json(body: bytes) -> Decoded:
    """The spans of a JSON request. Raises Refused, and nothing else."""
    if body.count(b"{") > OBJECTS:
        raise Refused(f"more than {OBJECTS:,} objects in one request", 413)
    try:
        request = json_format.DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"the body is no ExportTraceServiceRequest in JSON: {error}") from error
    return _decoded(json_format.raw_spans(request))


def _decoded(found: Iterable[tuple[Attributes, Raw | None]]) -> Decoded:
    answer = Decoded()
    messages = 0
    for number, (resource, raw) in enumerate(found):
        try:
            span = _span(resource, raw)
            answer.spans.append(span)
            messages += len(span.reading.messages) if span.reading else 0
        except BadSpan as error:
            answer.rejected += 1
            answer.reason = answer.reason or f"span {number}: {error}"
        if number >= SPANS or messages > MESSAGES:
            raise Refused(f"more than {SPANS:,} spans or {MESSAGES:,} messages in one request", 413)
    return answer


def _span(resource: Attributes, raw: Raw | None) -> Span:
    """Raises BadSpan."""
    if raw is None:
        raise BadSpan(f"it is larger than {protobuf_format.SPAN_BYTES:,} bytes")
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
