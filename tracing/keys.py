"""Business keys in an event's body, pure: `order:4711` where `[keys] order = "/order_id"`."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from brokers import pointers
from brokers.config import KeyConfig, Keys, pointer_of
from kit.limits import KEYS_PER_EVENT
from tracing.envelope import Envelope, storable
from tracing.envelope.attributes import is_json

LONGEST = 255  # characters of a key; a longer one is left out
Seal = Callable[[str, str], str]  # kind and value -> what is kept of it
Way = tuple[str, str, bool]  # kind, pointer, whether only a hash is kept
Members = tuple[list[str], msgspec.json.Decoder[msgspec.Struct]]


def keys_of(event: Envelope, keys: Keys, seal: Seal) -> list[str]:
    """The keys of this event: those its reader found, then those in its data, if it is JSON.

    `seal` makes the hash of a kind and its value, where only that is to be kept. At most
    KEYS_PER_EVENT, the first ones.
    """
    found: dict[str, None] = dict.fromkeys(_said(event.keys, keys, seal)) if event.keys else {}
    if keys and event.data and is_json(event.content_type):
        for key in _pointed(event.data, keys, seal):
            if len(found) >= KEYS_PER_EVENT:
                break
            found[key] = None
    return list(found)[:KEYS_PER_EVENT]


def _said(pairs: Iterable[tuple[str, str]], keys: Keys, seal: Seal) -> Iterator[str]:
    """Keys as pairs; those of a kind that is configured as hashed are hashed too."""
    for kind, text in pairs:
        hashed = kind in keys and pointer_of(keys[kind])[1]
        name = f"{kind}:{seal(kind, text) if hashed else storable(text)}"
        if len(name) <= LONGEST:
            yield name


def _pointed(data: bytes, keys: Keys, seal: Seal) -> Iterator[str]:
    """The keys in a body: texts and integers where the pointers point; none when it is no JSON."""
    plan, members = _plan(tuple(keys.items()))
    try:
        body = _read(data, members)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    for kind, pointer, hashed in plan:
        for text in pointers.texts(body, pointer):
            key = f"{kind}:{seal(kind, text) if hashed else storable(text)}"
            if len(key) <= LONGEST:
                yield key


def _read(data: bytes, members: Members | None) -> Any:
    """A parsed body; of an object only the members that the pointers go through."""
    if members is not None:
        try:
            found = members[1].decode(data)
            return dict(zip(members[0], msgspec.structs.astuple(found), strict=True))
        except msgspec.ValidationError:  # it is no object: an array can be pointed into too
            pass
    return msgspec.json.decode(data)


@lru_cache(maxsize=16)
def _plan(
    keys: tuple[tuple[str, str | KeyConfig], ...],
) -> tuple[list[Way], Members | None]:
    """How to find keys: worked out once, not for each event."""
    ways = [(kind, *pointer_of(key)) for kind, key in keys]
    return ways, _members([pointers.steps(pointer) for _, pointer, _ in ways])


def _members(paths: Sequence[tuple[str, ...]]) -> Members | None:
    """The members that pointers begin with, and a decoder that builds nothing else of a body.

    None where a name is one that the decoder cannot look for (a quote in it, say).
    """
    names = list(dict.fromkeys(path[0] for path in paths))
    fields = {f"member{number}": name for number, name in enumerate(names)}
    try:
        shape = msgspec.defstruct("Members", [(f, Any, None) for f in fields], rename=fields)
    except ValueError:
        return None
    return names, msgspec.json.Decoder(shape)
