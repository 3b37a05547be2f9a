"""Messages that are no CloudEvents: none is refused, each is an event (docs/foreign.md).

A CloudEvent whole in the body is taken as it is. Anything else is known by its position first;
what a framework's own marks say goes over that, and what a mapping says over both. What does not
fit leaves it as it was, and the reason stands in the extension `readas`, which else names how the
message was read.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from brokers.config import MappingConfig, pointer_of
from brokers.contract import Entry
from brokers.pointers import texts
from brokers.redis_body import BODIES
from cascade_client.fields import ATTEMPT, DATA, TARGET
from tracing.envelope.attributes import LONGEST
from tracing.envelope.foreign import Found, Message, parsed, recognised
from tracing.envelope.json_format import from_structured
from tracing.envelope.mapping import apply
from tracing.envelope.model import Envelope, EnvelopeError, storable
from tracing.envelope.rules import Rules
from tracing.envelope.times import moment

READ_AS = "readas"
MISFIT = "does not fit"
SPECVERSION = b'"specversion"'
CAUSES = 64  # of one event; a message that names more does not fit
LONGEST_NOTE = 300
_USUAL = {DATA, *(name.decode() for name in BODIES)}
# What a reader or a mapping calls a field -> the envelope's name, and the attribute's.
_FIELDS = {
    "id": ("id", "id"),
    "source": ("source", "source"),
    "type": ("type", "type"),
    "subject": ("subject", "subject"),
    "correlation": ("correlation_id", "correlationid"),
    "partition_key": ("partition_key", "partitionkey"),
    "sequence": ("sequence", "sequence"),
    "content_type": ("content_type", "datacontenttype"),
}


def positional(broker: str, stream: str, position: str) -> tuple[str, str]:
    """Source and id of a message that bears none: where it lies."""
    return f"{broker}/{stream}", position


def read(
    entry: Entry, content_type: str, headers: dict[str, str], stamps: dict[str, str], rules: Rules
) -> Envelope:
    """The event that an entry without CloudEvents attributes is; never raises."""
    event = _by_position(entry, content_type, headers, stamps)
    whole = _cloud_event(event)
    if whole is not None:
        return whole
    key = "" if entry.body_field in _USUAL else entry.body_field
    found = recognised(Message(headers, content_type, entry.body, key))
    if found is not None:
        event = _read_as(found.reader, event, lambda plain: _recognised(plain, entry, found, rules))
    elif entry.body is None and headers:
        event = msgspec.structs.replace(event, data=_fields(headers))
    mapping = rules.mapping(entry.broker, entry.stream)
    if mapping is None:
        return event
    return _read_as(f"mapping {mapping.stream}", event, lambda one: _mapped(one, entry, mapping))


def _fields(headers: Mapping[str, str]) -> bytes:
    """Fields that are the message, as JSON; a field that holds an object or array stays one."""
    return msgspec.json.encode({name: _value(value) for name, value in headers.items()})


def _value(value: str) -> Any:
    ends = value[:1] + value[-1:]
    return (parsed(value.encode()) if ends in ("{}", "[]") else None) or value


def _cloud_event(event: Envelope) -> Envelope | None:
    """The CloudEvent that is whole in the body, though no content type says so; else None."""
    if not event.data or SPECVERSION not in event.data:
        return None
    try:
        found = from_structured(event.data)
    except EnvelopeError:
        return None
    attempt, target = event.attempt or found.attempt, event.target or found.target
    return msgspec.structs.replace(found, headers=event.headers, attempt=attempt, target=target)


def _by_position(
    entry: Entry, content_type: str, headers: dict[str, str], stamps: dict[str, str]
) -> Envelope:
    source, position = positional(entry.broker, entry.stream, entry.position)
    return Envelope(
        id=position,
        source=source,
        type=storable(entry.topic or entry.stream)[:255],
        content_type=storable(content_type)[:255],
        headers=headers,
        data=entry.body,
        attempt=stamps.get(ATTEMPT, "")[:80],
        target=stamps.get(TARGET, "")[:255],
    )


def _read_as(name: str, event: Envelope, change: Callable[[Envelope], Envelope]) -> Envelope:
    """The changed event, or (what was found does not fit) the same with the reason."""
    try:
        made, note = change(event), name
    except (ValueError, RecursionError) as error:
        made, note = event, f"{name} {MISFIT}: {error}"
    before = event.extensions.get(READ_AS)
    said = storable(f"{before}; {note}" if before else note)[:LONGEST_NOTE]
    return msgspec.structs.replace(made, extensions={**event.extensions, READ_AS: said})


def _recognised(event: Envelope, entry: Entry, found: Found, rules: Rules) -> Envelope:
    values = {name: getattr(found, name) for name in _FIELDS}
    changes = _changes(values, entry, found.time)
    if found.causation:
        changes["causes"] = _causes(found.causation)
    if found.headers:
        more = {storable(name): storable(value) for name, value in found.headers.items()}
        changes["headers"] = {**event.headers, **more}
    if found.data is not None:
        changes["data"] = found.data
    if found.row:
        changes["keys"] = tuple(
            (kind, value)
            for kind, key in rules.keys.items()
            for value in texts(found.row, pointer_of(key)[0])
        )
    return msgspec.structs.replace(event, **changes)


def _mapped(event: Envelope, entry: Entry, mapping: MappingConfig) -> Envelope:
    found = apply(mapping, event.data, event.headers)
    changes = _changes(found.values, entry, found.time)
    if found.causation is not None:
        changes["causes"] = _causes(found.causation)
    if found.data is not None:
        changes["data"] = found.data
    if found.keys:
        changes["keys"] = (*event.keys, *found.keys)
    return msgspec.structs.replace(event, **changes)


def _changes(values: Mapping[str, str], entry: Entry, time: str | int | float) -> dict[str, Any]:
    """What is said, by the envelope's names. Raises EnvelopeError for what is too long."""
    changes: dict[str, Any] = {
        _FIELDS[name][0]: _bounded(name, value, LONGEST[_FIELDS[name][1]])
        for name, value in values.items()
        if value
    }
    if "id" in changes and "source" not in changes:  # the same in every partition
        changes["source"] = storable(f"{entry.broker}/{entry.topic or entry.stream}")
    if time != "":
        try:
            changes["time"] = moment(time)
        except ValueError as error:
            raise EnvelopeError(str(error), "time") from error
        changes["time_text"] = _bounded("time", str(time), LONGEST["time"])
    return changes


def _causes(found: Iterable[str]) -> tuple[str, ...]:
    causes = tuple(_bounded("causation", one, LONGEST["id"]) for one in found)
    if len(causes) > CAUSES:
        raise EnvelopeError(f"names more than {CAUSES} causes", "causation")
    return causes


def _bounded(name: str, value: str, longest: int) -> str:
    text = storable(value)
    if len(text) > longest:
        raise EnvelopeError(f"is longer than {longest} characters", name)
    return text
