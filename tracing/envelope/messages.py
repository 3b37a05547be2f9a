"""What brokers whose messages have headers share: attributes beside other headers, two modes."""

from collections.abc import Mapping

import msgspec

from tracing.envelope.attributes import build
from tracing.envelope.json_format import from_structured
from tracing.envelope.model import Envelope, EnvelopeError, storable
from tracing.envelope.modes import Mode, mode_of
from tracing.envelope.trace import transport_context

CONTEXT = ("traceparent", "tracestate")
STAMPS = ("cascadeattempt", "cascadetarget")  # of our replays, beside the attributes


class Parts:
    """The headers of one message, sorted: attributes, our stamps, and what else there is."""

    def __init__(self) -> None:
        self.attributes: dict[str, str] = {}
        self.stamps: dict[str, str] = {}
        self.headers: dict[str, str] = {}

    def add_attribute(self, name: str, text: str) -> None:
        """An attribute, without its prefix. Raises EnvelopeError when it is there already."""
        if name in self.attributes:
            raise EnvelopeError("is there twice", name)
        self.attributes[name] = text

    def add_header(self, name: str, text: str) -> None:
        """A header that is no attribute; of several of one name all are kept, joined by commas."""
        name, text = storable(name), storable(text)
        if name in STAMPS:
            self.stamps[name] = text
        else:
            known = self.headers.get(name)
            self.headers[name] = text if known is None else f"{known},{text}"

    def envelope(self, content_type: str, body: bytes | None) -> Envelope:
        """The event of a message with these headers. Raises EnvelopeError."""
        mode = mode_of(content_type)
        others = {name: text for name, text in self.headers.items() if name not in CONTEXT}
        headers = others | transport_context(self.headers)
        if mode is not Mode.BINARY:
            return in_body(mode, body, headers, self.stamps)
        if not self.attributes:
            raise EnvelopeError("bears no attributes of CloudEvents")
        attributes = self.attributes | self.stamps
        return build(attributes, content_type=content_type, data=body, headers=headers)


def in_body(
    mode: Mode, body: bytes | None, headers: dict[str, str], stamps: Mapping[str, str]
) -> Envelope:
    """The event of a message that says all in its body, but for our stamps.

    Raises EnvelopeError, also for a batch: in messages each event is one.
    """
    if mode is Mode.BATCH:
        raise EnvelopeError("a batch in one message is not taken; send a message an event")
    event = from_structured(body or b"")
    return msgspec.structs.replace(
        event,
        headers=headers,
        attempt=stamps.get(STAMPS[0], event.attempt),
        target=stamps.get(STAMPS[1], event.target),
    )
