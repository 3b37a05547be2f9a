"""Business keys in an event's body, pure: `order:4711` where `[keys] order = "/order_id"`."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from tracing.envelope import Envelope, storable
from tracing.envelope.attributes import is_json

LONGEST = 255  # characters of a key; a longer one is left out
_NOWHERE = object()


def keys_of(event: Envelope, pointers: Mapping[str, str]) -> list[str]:
    """The keys found in this event, in the order of `pointers`; [] when its data is no JSON."""
    if not pointers or not event.data or not is_json(event.content_type):
        return []
    try:
        body = _read(event.data, tuple(pointers.values()))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    return keys_in(body, pointers)


def keys_in(body: Any, pointers: Mapping[str, str]) -> list[str]:
    """The keys found in a parsed body: texts and integers where the pointers point."""
    found = []
    for kind, pointer in pointers.items():
        value = resolve(body, pointer)
        if isinstance(value, bool) or not isinstance(value, str | int):
            continue
        text = storable(str(value).strip())
        if text and len(kind) + 1 + len(text) <= LONGEST:
            found.append(f"{kind}:{text}")
    return found


def resolve(body: Any, pointer: str) -> Any:
    """What a JSON pointer (RFC 6901) leads to in a parsed body; None where it leads nowhere."""
    for part in _parts(pointer):
        if isinstance(body, dict):
            body = body.get(part, _NOWHERE)
        elif isinstance(body, list) and part.isascii() and part.isdigit():
            body = body[int(part)] if int(part) < len(body) else _NOWHERE
        else:
            return None
    return None if body is _NOWHERE else body


def _read(data: bytes, pointers: tuple[str, ...]) -> Any:
    """A parsed body; of an object only the members that the pointers go through."""
    members = _members(pointers)
    if members is not None:
        try:
            found = members[1].decode(data)
            return dict(zip(members[0], msgspec.structs.astuple(found), strict=True))
        except msgspec.ValidationError:  # it is no object: an array can be pointed into too
            pass
    return msgspec.json.decode(data)


@lru_cache(maxsize=16)
def _members(
    pointers: tuple[str, ...],
) -> tuple[list[str], msgspec.json.Decoder[msgspec.Struct]] | None:
    """The members that pointers begin with, and a decoder that builds nothing else of a body.

    None where a name is one that the decoder cannot look for (a quote in it, say).
    """
    names = list(dict.fromkeys(_parts(pointer)[0] for pointer in pointers))
    fields = {f"member{number}": name for number, name in enumerate(names)}
    try:
        shape = msgspec.defstruct("Members", [(f, Any, None) for f in fields], rename=fields)
    except ValueError:
        return None
    return names, msgspec.json.Decoder(shape)


@lru_cache(maxsize=256)
def _parts(pointer: str) -> tuple[str, ...]:
    return tuple(
        part.replace("~1", "/").replace("~0", "~") for part in pointer.removeprefix("/").split("/")
    )
