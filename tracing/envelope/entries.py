"""Our binding for Redis Streams (docs/redis-streams.md): an entry's fields, its body in `data`."""

from brokers.contract import Entry
from tracing.envelope import others
from tracing.envelope.attributes import NOT_EMPTY, REQUIRED, build
from tracing.envelope.http_binary import PREFIX
from tracing.envelope.messages import STAMPS, in_body
from tracing.envelope.model import Envelope, EnvelopeError, Malformed, storable
from tracing.envelope.modes import Mode, mode_of
from tracing.envelope.ordinary import ordinary
from tracing.envelope.rules import NO_RULES, Rules


def from_entry(entry: Entry, rules: Rules = NO_RULES) -> Envelope | Malformed:
    """The envelope of one entry, or why it is none; never raises.

    Malformed is what says that it is a CloudEvent and is none. Without any `ce-*` field it is
    somebody else's message: an event all the same (others.py).
    """
    try:
        return ordinary(entry) or _envelope(entry, rules)
    except EnvelopeError as error:
        return Malformed(reason=str(error)[:500])


def _envelope(entry: Entry, rules: Rules) -> Envelope:
    attributes: dict[str, str] = {}
    headers: dict[str, str] = {}
    content_type = ""
    for name, value in entry.headers.items():
        if name[:3] == PREFIX:
            # Redis has no null: an empty field that may be absent is absent
            if value or name[3:] in REQUIRED or name[3:] not in NOT_EMPTY:
                attributes[name[3:]] = value
        elif name == "content-type":
            content_type = value
        elif name in STAMPS:
            if value:
                attributes[name] = value
        else:
            headers[storable(name)] = storable(value)
    mode = mode_of(content_type)
    if mode is not Mode.BINARY:
        return in_body(mode, entry.body, headers, attributes)
    if attributes.keys() - set(STAMPS):
        return build(attributes, content_type=content_type, data=entry.body, headers=headers)
    return others.read(entry, content_type, headers, attributes, rules)
