"""Entries with nothing out of the ordinary, which are nearly all, at one glance.

`ordinary` gives what entries.py and the rules of attributes.py would give (a property test holds it
to that), or None: then those look at each field, and say what is wrong with it.
"""

from brokers.contract import Entry
from tracing.envelope.attributes import LONGEST, media_type, rfc3339, uri_reference
from tracing.envelope.model import Envelope
from tracing.envelope.modes import Mode, mode_of
from tracing.envelope.trace import valid_traceparent

NEEDED = frozenset({"ce-specversion", "ce-id", "ce-source", "ce-type"})
KNOWN = NEEDED | {
    "content-type",
    "ce-subject",
    "ce-time",
    "ce-correlationid",
    "ce-causationid",
    "ce-partitionkey",
    "ce-sequence",
    "ce-traceparent",
}
SHORT = min(LONGEST[name] for name in ("type", "correlationid", "partitionkey", "sequence"))


def ordinary(entry: Entry) -> Envelope | None:
    """The envelope of an entry in binary mode: all fields known, filled, short and printable."""
    fields, values = entry.headers, entry.headers.values()
    if not (NEEDED <= fields.keys() <= KNOWN and fields["ce-specversion"] == "1.0" and all(values)):
        return None
    text = "".join(values)
    if not text.isprintable() or (len(text) > SHORT and max(map(len, values)) > SHORT):
        return None
    try:
        return _read(entry, fields.get("content-type", ""), fields.get("ce-time", ""))
    except ValueError:
        return None


def _read(entry: Entry, content_type: str, time: str) -> Envelope | None:
    """Raises ValueError."""
    if mode_of(content_type) is not Mode.BINARY or len(time) > LONGEST["time"]:
        return None
    fields = entry.headers
    get = fields.get
    cause, traceparent = get("ce-causationid", ""), get("ce-traceparent", "")
    return Envelope(
        id=fields["ce-id"],
        source=uri_reference(fields["ce-source"]),
        type=fields["ce-type"],
        subject=get("ce-subject", ""),
        time=rfc3339(time) if time else None,
        time_text=time,
        correlation_id=get("ce-correlationid", ""),
        causes=(cause,) if cause else (),
        partition_key=get("ce-partitionkey", ""),
        sequence=get("ce-sequence", ""),
        traceparent=valid_traceparent(traceparent) if traceparent else "",
        content_type=media_type(content_type),
        data=entry.body,
    )
