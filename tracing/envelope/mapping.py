"""A mapping applied to a message: what is found where it points becomes the event. Pure.

A place is a JSON pointer into the event's data (`*`: every element of an array), `header:Name`
(a field beside the body), or `=text`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from brokers import pointers
from brokers.bearing import at
from brokers.config import MappingConfig
from tracing.envelope.foreign import parsed
from tracing.envelope.model import EnvelopeError

NEEDED = ("id", "source", "type", "body")  # where they are mapped; the others may be absent
HEADER = "header:"
LITERAL = "="


class Mapped(msgspec.Struct, frozen=True, kw_only=True):
    """What a mapping found; what is empty was not there."""

    values: dict[str, str]  # id, source, type, correlation, partition_key, subject
    time: str | int | float = ""
    causation: tuple[str, ...] | None = None  # None: not mapped
    keys: tuple[tuple[str, str], ...] = ()  # kind and value
    data: bytes | None = None  # None: as it was


def apply(mapping: MappingConfig, data: bytes | None, headers: Mapping[str, str]) -> Mapped:
    """What the mapping finds in this message. Raises EnvelopeError: it does not fit, and why."""
    document = parsed(data)
    places = mapping.places()
    body = places.pop("body", None)
    found = {name: found_at(place, document, headers) for name, place in places.items()}
    for name in NEEDED:
        if name in found and not found[name]:
            raise EnvelopeError(f"there is nothing at {places[name]}", name)
    time, causation = found.pop("time", []), found.pop("causation", None)
    return Mapped(
        values={name: _one(name, values) for name, values in found.items()},
        time=_time(time),
        causation=None if causation is None else _causes(causation),
        keys=tuple(_keys(mapping.keys, document, headers)),
        data=None if body is None else _body(body, document, headers),
    )


def found_at(place: str, document: Any, headers: Mapping[str, str]) -> list[Any]:
    """What is at a place, none of it null; [] when nothing is."""
    if place.startswith(LITERAL):
        return [place.removeprefix(LITERAL)]
    if place.startswith(HEADER):
        value = headers.get(place.removeprefix(HEADER))
        return [] if value is None else [value]
    found = pointers.found(document, pointers.steps(place))
    return [value for value in found if value is not None]


def _one(name: str, values: list[Any]) -> str:
    if len(values) > 1:
        raise EnvelopeError("is several values", name)
    text = _text(name, values[0]) if values else ""
    if not text and name in NEEDED:
        raise EnvelopeError("is empty", name)
    return text


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise EnvelopeError("is neither a text nor an integer", name)
    return str(value).strip()


def _time(values: list[Any]) -> str | int | float:
    if not values:
        return ""
    value = values[0]
    if len(values) > 1 or isinstance(value, bool) or not isinstance(value, str | int | float):
        raise EnvelopeError("is no time", "time")
    return value


def _causes(values: list[Any]) -> tuple[str, ...]:
    """One ID or several, each once."""
    return tuple(dict.fromkeys(filter(None, (_text("causation", value) for value in values))))


def _keys(
    places: Mapping[str, str], document: Any, headers: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    for kind, place in places.items():
        if place.startswith("/"):
            yield from ((kind, text) for text in pointers.texts(document, place))
        else:
            yield from ((kind, text) for text in found_at(place, document, headers) if text)


def _body(place: str, document: Any, headers: Mapping[str, str]) -> bytes:
    pointed = place.startswith("/")
    value = at(document, place) if pointed else next(iter(found_at(place, document, headers)), None)
    if value is None:
        raise EnvelopeError(f"there is nothing at {place}", "body")
    return value.encode() if isinstance(value, str) else msgspec.json.encode(value)
