"""CloudEvents on Kafka: `ce_` headers, nothing percent-encoded, no batch.

Source: the Kafka protocol binding of CloudEvents 1.0.2.
"""

from collections.abc import Iterable

from tracing.envelope.messages import Parts
from tracing.envelope.model import Envelope, EnvelopeError

PREFIX = "ce_"


def from_kafka(headers: Iterable[tuple[str, bytes | None]], value: bytes | None) -> Envelope:
    """The event of a record; a header without a value counts as absent. Raises EnvelopeError.

    In binary mode a record without a value (a tombstone) is an event without data.
    """
    parts = Parts()
    content_type = ""
    for name, raw in headers:
        if raw is None:
            continue
        if name.startswith(PREFIX):
            own = name.removeprefix(PREFIX)
            parts.add_attribute(own, _text(own, raw))
        elif name == "content-type":
            content_type = _text("datacontenttype", raw)
        else:
            parts.add_header(name, raw.decode("utf-8", "backslashreplace"))
    if content_type:
        parts.attributes.pop("datacontenttype", None)  # the header is what counts
    return parts.envelope(content_type, value)


def _text(name: str, raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise EnvelopeError("is not UTF-8", name) from error
