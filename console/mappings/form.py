"""A mapping as it is typed: one text a field, keys as lines `order = /order/no`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from brokers.config import PLACES, Kind, MappingConfig, Place

STREAM_MAX = 255
KEYS_MAX = 20  # kinds of keys of one mapping
PLACE_HINT = "a pointer /a/b, header:Name, or =text"


@dataclass(frozen=True, slots=True)
class Form:
    """What was typed; `mapping` is there when nothing is wrong with it. Errors by field."""

    stream: str
    places: dict[str, str]
    keys: str
    mapping: MappingConfig | None = None
    errors: dict[str, str] = field(default_factory=dict)


def of_mapping(mapping: MappingConfig) -> Form:
    """The form that a mapping begins with."""
    lines = "\n".join(f"{kind} = {place}" for kind, place in mapping.keys.items())
    return Form(mapping.stream, mapping.places(), lines, mapping)


def typed(given: Mapping[str, str], broker: str) -> Form:
    """The form as it was sent; what is empty is not mapped."""
    stream = given.get("stream", "").strip()
    places = {name: given.get(name, "").strip() for name in PLACES}
    places = {name: place for name, place in places.items() if place}
    text = given.get("keys", "")
    errors = {name: PLACE_HINT for name, place in places.items() if not _is(place, Place)}
    keys, wrong = _keys(text)
    if wrong:
        errors["keys"] = wrong
    if not stream or len(stream) > STREAM_MAX:
        errors["stream"] = f"a stream's name or a pattern, at most {STREAM_MAX} characters"
    if errors:
        return Form(stream, places, text, None, errors)
    said = {"broker": broker, "stream": stream, "keys": keys, **places}
    return Form(stream, places, text, msgspec.convert(said, MappingConfig))


def _keys(text: str) -> tuple[dict[str, str], str]:
    """The kinds with their places; what is wrong, or empty."""
    keys: dict[str, str] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        kind, sign, place = (part.strip() for part in line.partition("="))
        if not sign or not _is(kind, Kind) or not _is(place, Place):
            return {}, f"“{line[:60]}”: a line is a kind, =, and {PLACE_HINT}"
        keys[kind] = place
    return keys, f"more than {KEYS_MAX} kinds of keys" if len(keys) > KEYS_MAX else ""


def _is(text: str, kind: object) -> bool:
    try:
        msgspec.convert(text, kind)
    except msgspec.ValidationError:
        return False
    return True
