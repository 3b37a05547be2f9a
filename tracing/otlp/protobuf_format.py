"""The binary form of an export request, read span by span.

Read whole it may take a hundred times the memory of its bytes: an empty span is two of them. So
only the frame is walked here, and each span is parsed alone.
"""

from collections.abc import Iterable, Iterator

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2

from kit.limits import MIB
from tracing.otlp.messaging import Link, Raw, Value
from tracing.otlp.model import Refused

SPAN_BYTES = 1 * MIB  # of one span, and of one resource
PARTS = 500_000  # fields of the frame: spans, scopes, resources and what stands beside them
DETAILS = 2_000_000  # attributes, links and events of all spans
RESOURCE, SCOPE_SPANS, SPANS, RESOURCE_SPANS = 1, 2, 2, 1  # field numbers
VARINT, I64, LENGTH, I32 = 0, 1, 2, 5  # wire types
VARINT_BYTES = 10


def raw_spans(body: bytes) -> Iterator[tuple[dict[str, Value], Raw | None]]:
    """Every span with the attributes of its resource; None for one that is too large.

    Raises Refused and DecodeError.
    """
    walk = _Walk()
    for resource_spans in walk.parts(memoryview(body), RESOURCE_SPANS):
        resource = _resource(walk.parts(resource_spans, RESOURCE))
        for scope_spans in walk.parts(resource_spans, SCOPE_SPANS):
            for span in walk.parts(scope_spans, SPANS):
                yield resource, walk.span(span) if len(span) <= SPAN_BYTES else None


class _Walk:
    """One way through the frame of a request, with a bound."""

    def __init__(self) -> None:
        self.passed = 0
        self.details = 0

    def span(self, content: memoryview) -> Raw:
        """One span."""
        span = trace_pb2.Span.FromString(bytes(content))
        self.details += len(span.attributes) + len(span.links) + len(span.events)
        if self.details > DETAILS:
            raise Refused(f"more than {DETAILS:,} attributes in one request", 413)
        return _raw(span)

    def parts(self, message: memoryview, wanted: int) -> Iterator[memoryview]:
        """The messages in this field of a message."""
        at, end = 0, len(message)
        while at < end:
            self.passed += 1
            if self.passed > PARTS:
                raise Refused(f"more than {PARTS:,} parts in one request", 413)
            tag, at = _varint(message, at)
            begin, at = _content(message, at, tag & 7)
            if at > end or not tag >> 3:
                raise DecodeError("a field is cut off, or has no number")
            if tag >> 3 == wanted:
                if tag & 7 != LENGTH:
                    raise DecodeError("a message was expected")
                yield message[begin:at]


def _content(message: memoryview, at: int, wire_type: int) -> tuple[int, int]:
    """Where the content of a field begins and ends."""
    if wire_type == LENGTH:
        size, at = _varint(message, at)
        return at, at + size
    if wire_type == VARINT:
        return at, _varint(message, at)[1]
    if wire_type in (I64, I32):
        return at, at + (8 if wire_type == I64 else 4)
    raise DecodeError("groups are not used here")


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A number, and where it ends."""
    number = 0
    for place, byte in enumerate(message[at : at + VARINT_BYTES]):
        number |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return number, at + place + 1
    raise DecodeError("a number is cut off, or too long")


def _resource(parts: Iterable[memoryview]) -> dict[str, Value]:
    """Its attributes; several parts are one message, as the encoding says."""
    whole = b"".join(parts)
    if len(whole) > SPAN_BYTES:
        raise Refused(f"a resource of more than {SPAN_BYTES:,} bytes", 413)
    return _attributes(Resource.FromString(whole).attributes)


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
