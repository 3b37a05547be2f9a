"""The JSON form of an export request: ids are hex, 64-bit numbers may be text, null is absent.

Unknown members are ignored, as the protocol says.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

import msgspec

from tracing.otlp.messaging import Link, Raw, Value

Number = Annotated[int, msgspec.Meta(ge=0)]
Digits = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,20}$")]
Signed = Annotated[str, msgspec.Meta(pattern=r"^-?[0-9]{1,20}$")]


class _Wire(msgspec.Struct, frozen=True, rename="camel"):
    """Names on the wire are lowerCamelCase."""


class AnyValue(_Wire, frozen=True):
    """A value; arrays, maps and bytes say nothing of messages and are passed over."""

    string_value: str | None = None
    bool_value: bool | None = None
    int_value: int | Signed | None = None
    double_value: float | str | None = None


class KeyValue(_Wire, frozen=True):
    """One attribute."""

    key: str = ""
    value: AnyValue | None = None


class SpanLink(_Wire, frozen=True):
    """A link to another span."""

    trace_id: str | None = None
    span_id: str | None = None
    attributes: list[KeyValue] | None = None


class SpanEvent(_Wire, frozen=True):
    """Something that happened within a span."""

    name: str | None = None
    attributes: list[KeyValue] | None = None


class Status(_Wire, frozen=True):
    """How a span ended."""

    message: str | None = None
    code: int | None = None


class JsonSpan(_Wire, frozen=True):
    """A span."""

    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    name: str | None = None
    kind: int | None = None
    start_time_unix_nano: Number | Digits | None = None
    end_time_unix_nano: Number | Digits | None = None
    attributes: list[KeyValue] | None = None
    events: list[SpanEvent] | None = None
    links: list[SpanLink] | None = None
    status: Status | None = None


class ScopeSpans(_Wire, frozen=True):
    """The spans of one instrumentation."""

    spans: list[JsonSpan] | None = None


class Resource(_Wire, frozen=True):
    """Who made the spans."""

    attributes: list[KeyValue] | None = None


class ResourceSpans(_Wire, frozen=True):
    """The spans of one process."""

    resource: Resource | None = None
    scope_spans: list[ScopeSpans] | None = None


class Request(_Wire, frozen=True):
    """An export request."""

    resource_spans: list[ResourceSpans] | None = None


DECODER = msgspec.json.Decoder(Request)


def raw_spans(request: Request) -> Iterator[tuple[dict[str, Value], Raw]]:
    """Every span with the attributes of its resource."""
    for resource_spans in request.resource_spans or ():
        resource = _attributes((resource_spans.resource or Resource()).attributes)
        for scope_spans in resource_spans.scope_spans or ():
            for span in scope_spans.spans or ():
                yield resource, _raw(span)


def _raw(span: JsonSpan) -> Raw:
    status = span.status or Status()
    return Raw(
        trace_id=span.trace_id or "",
        span_id=span.span_id or "",
        parent_id=span.parent_span_id or "",
        name=span.name or "",
        kind=span.kind or 0,
        start_ns=int(span.start_time_unix_nano or 0),
        end_ns=int(span.end_time_unix_nano or 0),
        status=status.code or 0,
        status_message=status.message or "",
        attributes=_attributes(span.attributes),
        links=[
            Link(link.trace_id or "", link.span_id or "", _attributes(link.attributes))
            for link in span.links or ()
        ],
        exceptions=_exceptions(span.events or ()),
    )


def _exceptions(events: Iterable[SpanEvent]) -> list[dict[str, Value]]:
    return [_attributes(event.attributes) for event in events if event.name == "exception"]


def _attributes(pairs: Sequence[KeyValue] | None) -> dict[str, Value]:
    found = ((pair.key, _value(pair.value)) for pair in pairs or ())
    return {key: value for key, value in found if value is not None}


def _value(value: AnyValue | None) -> Value | None:
    if value is None:
        return None
    choices = (value.string_value, value.bool_value, value.int_value, value.double_value)
    return next((choice for choice in choices if choice is not None), None)
