"""Messages of other frameworks, recognised without a mapping: one module a framework. Pure."""

from collections.abc import Callable

from tracing.envelope.foreign import (
    celery,
    debezium,
    eventbridge,
    faststream,
    masstransit,
    nservicebus,
    spring,
)
from tracing.envelope.foreign.message import Found, Message, parsed

# In this order; the first that finds its own marks reads the message.
READERS: tuple[Callable[[Message], Found | None], ...] = (
    faststream.read,
    nservicebus.read,
    masstransit.read,
    celery.read,
    spring.read,
    debezium.read,
    eventbridge.read,
)

__all__ = ["READERS", "Found", "Message", "parsed", "recognised"]


def recognised(message: Message) -> Found | None:
    """What the framework's own marks say; None when they are nobody's, or cannot be read."""
    for read in READERS:
        try:
            found = read(message)
        except Exception:  # noqa: S112  # what no reader foresaw must not stop a tap
            continue
        if found is not None:
            return found
    return None
