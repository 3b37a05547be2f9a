"""What a span says of messages, by the names of OpenTelemetry's conventions, new and old.

A producer's span makes an event, a consumer's processing span is a delivery. Receiving, settling
and sending what another span created say nothing more.
"""

import re
from collections.abc import Mapping, Sequence

import msgspec

from tracing.envelope import storable
from tracing.envelope.attributes import LONGEST
from tracing.otlp.model import SOURCE, Failure, Known, Message, Reading

Value = str | int | float | bool
PRODUCER, CONSUMER = 4, 5  # SpanKind
MESSAGES = 1_000  # of one span: the first ones
CAUSES = 100  # links of a sending span that are causes
NOT_HANDLING = frozenset(
    {
        "receive",
        "poll",
        "peek",
        "create",
        "send",
        "publish",
        "settle",
        "ack",
        "acknowledge",
        "commit",
        "complete",
        "nack",
        "abandon",
        "reject",
        "renew",
        "modify_ack_deadline",
    }
)
# the current name first, then those still on the wire
OPERATION = ("messaging.operation.type", "messaging.operation", "messaging.operation.name")
DESTINATION = ("messaging.destination.name", "messaging.destination")
MESSAGE_ID = ("messaging.message.id", "messaging.message_id")
CONVERSATION = ("messaging.message.conversation_id", "messaging.conversation_id")
CONSUMER_NAME = (
    "messaging.consumer.group.name",
    "messaging.kafka.consumer.group",
    "messaging.kafka.consumer_group",
    "messaging.eventhubs.consumer.group",
    "messaging.rocketmq.client_group",
    "messaging.consumer_group",
    "messaging.destination.subscription.name",
    "messaging.servicebus.destination.subscription_name",
)
KEY = ("messaging.kafka.message.key", "messaging.kafka.message_key")
ABOUT_MESSAGES = ("messaging.", "cloudevents.")
_TRACE = re.compile(r"(?!0{32})[0-9a-fA-F]{32}")
_SPAN = re.compile(r"(?!0{16})[0-9a-fA-F]{16}")


class Link(msgspec.Struct, frozen=True):
    """A link to another span, as it came."""

    trace_id: str
    span_id: str
    attributes: Mapping[str, Value]


class Raw(msgspec.Struct, frozen=True, kw_only=True):
    """A span as it came, whatever the encoding; ids in hex, times in nanoseconds."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: int
    start_ns: int
    end_ns: int
    status: int
    status_message: str
    attributes: Mapping[str, Value]
    links: Sequence[Link]
    exceptions: Sequence[Mapping[str, Value]]


def read(raw: Raw, service: str) -> Reading | None:
    """What this span says of messages; None when that is nothing."""
    if not _about_messages(raw.attributes):
        return None
    operation = _first(raw.attributes, OPERATION).lower()
    if operation == "create" or (raw.kind == PRODUCER and operation != "settle"):
        return None if _sends_created(raw, operation) else _sent(raw)
    handling = raw.kind == CONSUMER and operation not in NOT_HANDLING
    return _handled(raw, service) if handling or operation == "process" else None


def failure_of(raw: Raw) -> Failure:
    """Why this span failed: its last exception, its status, its error type."""
    last = raw.exceptions[-1] if raw.exceptions else {}
    kind = _text(raw.attributes, "error.type") or _text(last, "exception.type")
    return Failure(
        type=_text(last, "exception.type") or kind or "error",
        message=_text(last, "exception.message") or storable(raw.status_message),
        stack=_text(last, "exception.stacktrace"),
    )


def _sends_created(raw: Raw, operation: str) -> bool:
    """Whether the messages that this span sends were made by the spans it links to."""
    named = any(
        _first(link.attributes, MESSAGE_ID) or _named(link.attributes) for link in raw.links
    )
    return named and operation in ("send", "publish")


def _sent(raw: Raw) -> Reading:
    trace_id, span_id = raw.trace_id.lower(), raw.span_id.lower()
    source, event_id = _named(raw.attributes) or (SOURCE, f"{trace_id}-{span_id}")
    causes = [_linked(link).id for link in raw.links if _about_messages(link.attributes)]
    destination = _destination(raw)
    return Reading(
        role="sent",
        messages=(Message(source, event_id, trace_id, span_id),),
        conversation=_conversation(raw),
        destination=destination,
        type=(_text(raw.attributes, "cloudevents.event_type") or destination or storable(raw.name))[
            :255
        ],
        subject=_text(raw.attributes, "cloudevents.event_subject")[:1024],
        key=_first(raw.attributes, KEY)[:255],
        causes=tuple(dict.fromkeys(causes))[:CAUSES],
    )


def _handled(raw: Raw, service: str) -> Reading:
    known_by, messages = _messages(raw)
    return Reading(
        role="handled",
        messages=messages[:MESSAGES],
        known_by=known_by,
        conversation=_conversation(raw),
        destination=_destination(raw),
        consumer=(_first(raw.attributes, CONSUMER_NAME) or service)[:255],
    )


def _messages(raw: Raw) -> tuple[Known, tuple[Message, ...]]:
    """The messages a span handled: what it links to, else what it was started in, else what it
    says itself."""
    good = [link for link in raw.links if _valid(link.trace_id, link.span_id)]
    links = [link for link in good if _about_messages(link.attributes)] or good
    if len(links) > 1:
        return "link", tuple(_linked(link) for link in links)
    if links:
        link = links[0]
        attributes = {**raw.attributes, **link.attributes}
        return "link", (_linked(Link(link.trace_id, link.span_id, attributes)),)
    if _valid(raw.trace_id, raw.parent_id):
        return "parent_span", (_linked(Link(raw.trace_id, raw.parent_id, raw.attributes)),)
    return "span", (_told(raw),)


def _told(raw: Raw) -> Message:
    """The message that a span tells of itself, tied to no other span."""
    named = _named(raw.attributes)
    if named:
        return Message(*named)
    message_id = _first(raw.attributes, MESSAGE_ID)
    system = _text(raw.attributes, "messaging.system") or SOURCE
    if message_id:
        return Message(f"{system}/{_destination(raw)}"[:1024], message_id[:1024])
    return Message(SOURCE, f"{raw.trace_id.lower()}-{raw.span_id.lower()}")


def _linked(link: Link) -> Message:
    """The message a span made: by its own name where that is told, else by the span."""
    trace_id, span_id = link.trace_id.lower(), link.span_id.lower()
    source, event_id = _named(link.attributes) or (SOURCE, f"{trace_id}-{span_id}")
    return Message(source, event_id, trace_id, span_id)


def _named(attributes: Mapping[str, Value]) -> tuple[str, str] | None:
    """Source and id of a CloudEvent."""
    source = _text(attributes, "cloudevents.event_source")
    event_id = _text(attributes, "cloudevents.event_id")
    fits = 0 < len(source) <= LONGEST["source"] and 0 < len(event_id) <= LONGEST["id"]
    return (source, event_id) if fits else None


def _conversation(raw: Raw) -> str:
    return _first(raw.attributes, CONVERSATION)[: LONGEST["correlationid"]]


def _destination(raw: Raw) -> str:
    return _first(raw.attributes, DESTINATION)[:255]


def _about_messages(attributes: Mapping[str, Value]) -> bool:
    return any(name.startswith(ABOUT_MESSAGES) for name in attributes)


def _valid(trace_id: str, span_id: str) -> bool:
    """Whether these can be the ids of a span."""
    return bool(_TRACE.fullmatch(trace_id) and _SPAN.fullmatch(span_id))


def _first(attributes: Mapping[str, Value], names: Sequence[str]) -> str:
    return next((text for name in names if (text := _text(attributes, name))), "")


def _text(attributes: Mapping[str, Value], name: str) -> str:
    value = attributes.get(name, "")
    return storable(value if isinstance(value, str) else str(value))
