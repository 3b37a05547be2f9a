"""Amazon EventBridge's event, as it lies in a queue behind a rule; `detail` is the payload.

Source: https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html. It knows
no correlation; AWS X-Ray's header is no W3C trace.
"""

from tracing.envelope.foreign.message import Found, Message, text

_KEPT = ("account", "region", "version")


def read(message: Message) -> Found | None:
    """An event of a bus: detail-type, source, id, time."""
    members = message.members(b'"detail-type"', b'"detail"')
    if not all(text(members.get(name)) for name in ("detail-type", "source", "id")):
        return None
    return Found(
        reader="EventBridge",
        id=text(members["id"]),
        source=text(members["source"]),
        type=text(members["detail-type"]),
        time=text(members.get("time")),
        content_type="application/json",
        data=message.member("detail"),
        headers={name: found for name in _KEPT if (found := text(members.get(name)))},
    )
