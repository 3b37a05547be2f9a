"""CloudEvents on AMQP: typed application properties `cloudEvents_` or `cloudEvents:`, no batch.

Source: the AMQP protocol binding of CloudEvents 1.0.2; values are native or canonical texts.
"""

from base64 import b64encode
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from tracing.envelope.attributes import TEXT, text_of
from tracing.envelope.messages import Parts
from tracing.envelope.model import Envelope, EnvelopeError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PREFIXES = ("cloudEvents_", "cloudEvents:")


def from_amqp(
    properties: Iterable[tuple[str, object]], content_type: str, body: bytes | None
) -> Envelope:
    """The event of a message: application properties, the content-type property, the data.

    Values are str, bool, int, bytes, datetime (UTC when naive), or None, which counts as absent;
    `time` may be a number of milliseconds, as AMQP's timestamps are. Raises EnvelopeError.
    """
    parts = Parts()
    for name, value in properties:
        if value is None:
            continue
        if name.startswith(PREFIXES):
            own = name[len(PREFIXES[0]) :]
            parts.add_attribute(own, _canonical(own, value))
        else:
            parts.add_header(name, _plain(value))
    if "datacontenttype" in parts.attributes:
        raise EnvelopeError("is the content-type property of the message", "datacontenttype")
    return parts.envelope(content_type, body)


def _canonical(name: str, value: object) -> str:
    """A native value as the canonical text of its CloudEvents type."""
    if name == "time" and isinstance(value, int) and not isinstance(value, bool):
        value = _moment(value)
    if isinstance(value, datetime) and (name == "time" or name not in TEXT):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return moment.isoformat().replace("+00:00", "Z")
    if isinstance(value, bytes) and name not in TEXT:
        return b64encode(value).decode()
    return text_of(name, value)


def _moment(milliseconds: int) -> datetime:
    try:
        return EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError as error:
        raise EnvelopeError("is no time of this calendar", "time") from error


def _plain(value: object) -> str:
    """Another property's value, as text."""
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
