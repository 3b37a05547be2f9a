"""What a handler may do; nothing of it happens before the commit."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from cascade_client.envelope import Envelope, stamped
from cascade_client.transport import Document, Transport


class Work:
    """Collects what the handling of one event writes and publishes.

    It becomes true in one step with the acknowledgement, or not at all; a handler may therefore
    be run again and must keep its own side effects idempotent, by `event.id` for instance.
    """

    def __init__(
        self, transport: Transport, consumer: str, source: str, event: Envelope, attempt: int
    ) -> None:
        self.consumer = consumer
        self.attempt = attempt  # 1 is the first try
        self.events: list[tuple[str, Envelope]] = []  # topic, event
        self._transport = transport
        self._source = source
        self._event = event
        self._documents: dict[str, Document] = {}
        self._values: dict[str, Any] = {}

    @property
    def documents(self) -> list[Document]:
        """Every state document read or written."""
        return list(self._documents.values())

    def read(self, name: str) -> dict[str, Any] | None:
        """A state document of this consumer, None where there is none.

        Raises TransportError. If it changes before the commit, the handler is run again.
        """
        if name not in self._documents:
            version, value = self._transport.read_document(self.consumer, name)
            self._documents[name] = Document(name, version)
            self._values[name] = value
        value = self._values[name]
        return None if value is None else dict(value)

    def write(self, name: str, doc: Mapping[str, Any], keep_s: float | None = None) -> None:
        """Replace a state document; after `keep_s` seconds it may be forgotten.

        Raises ValueError when it is no JSON, TransportError.
        """
        self.read(name)
        body = json.dumps(doc, allow_nan=False, separators=(",", ":")).encode()
        self._documents[name] = Document(name, self._documents[name].version, body, keep_s)
        self._values[name] = json.loads(body)

    def publish(
        self,
        topic: str,
        type: str,
        data: Any,
        *,
        causes: Iterable[str] = (),
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Envelope:
        """An event caused by the one being handled and by `causes` (IDs of further events).

        Raises ValueError when `data` is no JSON.
        """
        event = stamped(
            source=self._source, type=type, data=data, key=key, headers=headers, causes=causes
        )
        self.events.append((topic, event))
        return event
