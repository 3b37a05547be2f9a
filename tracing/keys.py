"""Business keys in an event's body, pure: `order:4711` where `[keys] order = "/order_id"`."""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

import msgspec

from brokers import pointers
from brokers.config import Keys, pointer_of
from kit.limits import KEYS_PER_EVENT
from tracing.envelope import Envelope, storable
from tracing.envelope.attributes import is_json

LONGEST = 255  # characters of a key; a longer one is left out
Seal = Callable[[str, str], str]  # kind and value -> what is kept of it


def keys_of(event: Envelope, keys: Keys, seal: Seal) -> list[str]:
    """The keys of this event: those its reader found, then those in its data, if it is JSON.

    `seal` makes the hash of a kind and its value, where only that is to be kept. At most
    KEYS_PER_EVENT, the first ones.
    """
    found: dict[str, None] = dict.fromkeys(_said(event.keys, keys, seal)) if event.keys else {}
    for key in keys_in(_body(event, keys), keys, seal):
        if len(found) >= KEYS_PER_EVENT:
            break
        found[key] = None
    return list(found)[:KEYS_PER_EVENT]


def _body(event: Envelope, keys: Keys) -> Any:
    """What the pointers go into; None when it is no JSON."""
    if not keys or not event.data or not is_json(event.content_type):
        return None
    try:
        return _read(event.data, tuple(pointer_of(key)[0] for key in keys.values()))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _said(pairs: Iterable[tuple[str, str]], keys: Keys, seal: Seal) -> Iterator[str]:
    """Keys as pairs; those of a kind that is configured as hashed are hashed too."""
    for kind, text in pairs:
        hashed = kind in keys and pointer_of(keys[kind])[1]
        name = f"{kind}:{seal(kind, text) if hashed else storable(text)}"
        if len(name) <= LONGEST:
            yield name


def keys_in(body: Any, keys: Keys, seal: Seal) -> Iterator[str]:
    """The keys found in a parsed body: texts and integers where the pointers point."""
    for kind, key in keys.items():
        pointer, hashed = pointer_of(key)
        for text in pointers.texts(body, pointer):
            name = f"{kind}:{seal(kind, text) if hashed else storable(text)}"
            if len(name) <= LONGEST:
                yield name


def _read(data: bytes, paths: tuple[str, ...]) -> Any:
    """A parsed body; of an object only the members that the pointers go through."""
    members = _members(paths)
    if members is not None:
        try:
            found = members[1].decode(data)
            return dict(zip(members[0], msgspec.structs.astuple(found), strict=True))
        except msgspec.ValidationError:  # it is no object: an array can be pointed into too
            pass
    return msgspec.json.decode(data)


@lru_cache(maxsize=16)
def _members(
    paths: tuple[str, ...],
) -> tuple[list[str], msgspec.json.Decoder[msgspec.Struct]] | None:
    """The members that pointers begin with, and a decoder that builds nothing else of a body.

    None where a name is one that the decoder cannot look for (a quote in it, say).
    """
    names = list(dict.fromkeys(pointers.steps(path)[0] for path in paths))
    fields = {f"member{number}": name for number, name in enumerate(names)}
    try:
        shape = msgspec.defstruct("Members", [(f, Any, None) for f in fields], rename=fields)
    except ValueError:
        return None
    return names, msgspec.json.Decoder(shape)
