"""Which field of a stream entry is its body, where a program does not call it `data`. Pure."""

from cascade_client.fields import DATA, DEAD_LETTER_PREFIX, STAMPS

# What programs call the field that holds the whole message; `__data__` is FastStream's.
BODIES = (b"__data__", b"payload", b"body", b"message", b"value", b"event", b"json")
_OURS = (DEAD_LETTER_PREFIX.encode(), *(stamp.encode() for stamp in STAMPS))


def take_body(named: dict[bytes, bytes]) -> tuple[str, bytes | None]:
    """Take the body out of an entry's fields: its field's name, and it; (`data`, None): there is
    none, the fields themselves are the message.

    A field counts when it is named as in BODIES and holds a JSON object or array, or is the only
    one and does (Debezium Server writes `<key>: <value>`). `__data__` counts whatever it holds.
    With CloudEvents attributes beside it nothing counts: their body is `data` (docs/redis-streams).
    """
    own = [name for name in named if not name.startswith(_OURS)]
    if any(name.startswith(b"ce-") for name in own):
        return DATA, None
    for name in own if len(own) == 1 else BODIES:
        value = named.get(name)
        if value is not None and (name == BODIES[0] or _is_document(value)):
            return name.decode("utf-8", "backslashreplace"), named.pop(name)
    return DATA, None


def _is_document(value: bytes) -> bool:
    text = value.strip()
    return text[:1] + text[-1:] in (b"{}", b"[]")
