"""What of a body can be searched: its values, masked as where they are shown. Pure.

A body that calls itself JSON and is none is left out, and so are markup and what is not text:
masking would not know the names of its fields.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Any

import msgspec

from kit.redaction import is_secret, mask_text
from tracing.envelope.attributes import is_json

CHARACTERS = 64 * 1024  # of one body's values; the rest is not found
DEPTH = 64
VALUES = 10_000  # of one body
EDGE = 512  # characters: longer than a secret that masking knows by its form
_MARKUP = ("text/html", "text/xml")

secret_name = lru_cache(maxsize=4_096)(is_secret)


def readable(data: bytes | None, content_type: str) -> str:
    """The text of a body, a value a line, at most CHARACTERS; empty where there is none."""
    if not data:
        return ""
    if is_json(content_type):
        return _masked("\n".join(_of_json(data)))
    kind = content_type.partition(";")[0].strip().lower()
    if not kind.startswith("text/") or kind in _MARKUP:
        return ""
    return _masked(data[: CHARACTERS + 1].decode("utf-8", "replace"))


def _masked(text: str) -> str:
    """Masked, and cut so that no half of a secret, which no rule knows, is left at the end."""
    masked = mask_text(text[:CHARACTERS])
    return masked if len(text) <= CHARACTERS else masked[:-EDGE]


def _of_json(data: bytes) -> Iterator[str]:
    """The values of a JSON body, until they are more than CHARACTERS."""
    try:
        body = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    room = CHARACTERS
    for value in islice(_values(body, 0), VALUES):
        yield value
        room -= len(value) + 1
        if room < 0:
            return


def _values(body: Any, depth: int) -> Iterator[str]:
    """Texts and numbers in their order, without those of secret fields."""
    if isinstance(body, str):
        yield body
    elif isinstance(body, dict):
        for name, inner in body.items():
            if depth < DEPTH and not secret_name(name):
                yield from _values(inner, depth + 1)
    elif isinstance(body, list):
        for inner in body:
            if depth < DEPTH:
                yield from _values(inner, depth + 1)
    elif body is not None and not isinstance(body, bool):
        yield str(body)
