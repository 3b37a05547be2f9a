"""Publishing outside of a handler, or beside one."""

from collections.abc import Mapping
from typing import Any

from cascade_client.envelope import Envelope, stamped
from cascade_client.transport import Transport


class Producer:
    """Publishes as one source, stamped from the context; safe to share between threads."""

    def __init__(self, transport: Transport, source: str) -> None:
        self.transport = transport
        self.source = source

    def publish(
        self,
        topic: str,
        type: str,
        data: Any,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Envelope:
        """The event, once the broker has confirmed it.

        Raises TransportError when it did not (it may have arrived nevertheless: `send` the same
        envelope again, it is published once), ValueError when `data` is no JSON.
        """
        event = self.prepare(type, data, key=key, headers=headers)
        self.send(topic, event)
        return event

    def prepare(
        self,
        type: str,
        data: Any,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Envelope:
        """The stamped event, not yet published. Raises ValueError when `data` is no JSON."""
        return stamped(source=self.source, type=type, data=data, key=key, headers=headers)

    def send(self, topic: str, event: Envelope) -> str:
        """Publish a prepared event; its position. Raises TransportError."""
        return self.transport.publish(topic, event)
