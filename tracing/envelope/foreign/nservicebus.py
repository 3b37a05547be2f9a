"""NServiceBus, by its headers; the body stays as it came.

Source: https://docs.particular.net/nservicebus/messaging/headers. `RelatedTo` is the message ID
of what was being handled when this was sent; `ConversationId` stays the same all along.
"""

from tracing.envelope.foreign.message import Found, Message

_ID = "NServiceBus.MessageId"


def read(message: Message) -> Found | None:
    """The message's own ID, what it is related to, its conversation, its enclosed type."""
    headers = message.headers
    if _ID not in headers:
        return None
    said = {name: headers.get(f"NServiceBus.{name}", "") for name in _NAMES}
    related = said["RelatedTo"]
    return Found(
        reader="NServiceBus",
        id=headers[_ID],
        source=said["OriginatingEndpoint"],
        type=_type(said["EnclosedMessageTypes"]),
        time=said["TimeSent"],
        correlation=said["ConversationId"] or said["CorrelationId"],
        causation=(related,) if related else (),
        content_type=said["ContentType"],
    )


_NAMES = (
    *("OriginatingEndpoint", "EnclosedMessageTypes", "TimeSent", "ConversationId"),
    *("CorrelationId", "RelatedTo", "ContentType"),
)


def _type(enclosed: str) -> str:
    """The most derived type, which comes first, without its assembly."""
    return enclosed.partition(";")[0].partition(",")[0].strip()
