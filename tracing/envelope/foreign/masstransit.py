"""MassTransit: its JSON envelope, and its headers beside a raw body.

Sources: https://masstransit.io/architecture/interoperability (the envelope), MessageHeaders.cs and
RawMessageSerializer.cs (the headers), MessageContext.cs: `initiatorId` is the *correlation* ID of
the message that was being handled, so it names no message and becomes no cause; it is kept.
"""

from typing import Any

from tracing.envelope.foreign.message import Found, Message, text, texts

_HEADER = "MT-MessageType"
_KEPT = ("initiatorId", "correlationId", "requestId", "destinationAddress", "responseAddress")


def read(message: Message) -> Found | None:
    """The envelope where there is one, else the headers."""
    members = message.members(b'"messageType"', b'"message"')
    if isinstance(members.get("messageType"), list) and "message" in members:
        return _from_envelope(members, message.member("message"))
    if _HEADER in message.headers and "MessageId" in message.headers:
        return _from_headers(message.headers)
    return None


def _from_envelope(members: dict[str, Any], data: bytes | None) -> Found:
    kept = {name: found for name in _KEPT if (found := text(members.get(name)))}
    return Found(
        reader="MassTransit",
        id=text(members.get("messageId")),
        source=text(members.get("sourceAddress")),
        type=_type(members["messageType"]),
        time=text(members.get("sentTime")),
        correlation=text(members.get("conversationId")) or text(members.get("correlationId")),
        content_type="application/json",
        data=data,
        headers={**kept, **texts(members.get("headers"))},
    )


def _from_headers(headers: dict[str, str]) -> Found:
    return Found(
        reader="MassTransit",
        id=headers["MessageId"],
        source=headers.get("MT-Source-Address", ""),
        type=_type(headers[_HEADER].split(";")),
        correlation=headers.get("ConversationId") or headers.get("CorrelationId", ""),
        content_type=headers.get("Content-Type", ""),
    )


def _type(names: list[Any]) -> str:
    """`urn:message:Shop.Contracts:OrderPlaced` -> `Shop.Contracts:OrderPlaced`; the first one."""
    return text(names[0]).removeprefix("urn:message:") if names else ""
