"""JSON pointers (RFC 6901) into a parsed body; beyond these, `*` is every element of an array."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

EACH = "*"


@lru_cache(maxsize=256)
def steps(pointer: str) -> tuple[str, ...]:
    """The steps of a pointer, unescaped."""
    return tuple(
        step.replace("~1", "/").replace("~0", "~") for step in pointer.removeprefix("/").split("/")
    )


def found(body: Any, path: tuple[str, ...]) -> Iterable[Any]:
    """What these steps lead to, in the order of the body; nothing where they lead nowhere.

    A pointer that ends at an array leads to its elements. In an object `*` is a name like others.
    """
    for number, step in enumerate(path):
        if isinstance(body, dict):
            if step not in body:
                return ()
            body = body[step]
        elif not isinstance(body, list):
            return ()
        elif step == EACH:
            rest = path[number + 1 :]
            return (value for element in body for value in found(element, rest))
        elif step.isascii() and step.isdigit() and int(step) < len(body):
            body = body[int(step)]
        else:
            return ()
    return body if isinstance(body, list) else (body,)


def texts(body: Any, pointer: str) -> Iterator[str]:
    """The texts and integers that a pointer leads to, as text; the empty ones left out."""
    for value in found(body, steps(pointer)):
        if isinstance(value, str | int) and not isinstance(value, bool):
            text = str(value).strip()
            if text:
                yield text
