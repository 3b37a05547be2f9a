"""The normal form of a dead letter's marks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

EVIDENCE_CHARACTERS = 200
_ESCAPED = re.compile(rb"\\x([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What the marks say; empty or None where they say nothing."""

    dialect: str  # "" when no framework's marks were found
    headers: Mapping[str, str]  # the original ones: the framework's own are taken off
    marks: tuple[str, ...] = ()  # names of the framework's own, sorted: no replay sends them on
    evidence: str = ""  # the mark that says that it is dead, in words: `x-death: rejected × 3`
    consumer: str = ""
    stream: str = ""  # where it was delivered from
    position: str = ""
    attempts: int | None = None
    reason: str = ""
    died_at: datetime | None = None
    process: str = ""
    release: str = ""
    error_type: str = ""
    error_message: str = ""
    error_stack: str = ""


class Dialect(Protocol):
    """One framework's marks."""

    @property
    def name(self) -> str:
        """What the framework is called, in lower case."""

    def recognises(self, headers: Mapping[str, str]) -> bool:
        """Whether the letter bears this framework's marks."""

    def read(self, headers: Mapping[str, str]) -> DeadLetter:
        """The normal form; a mark that cannot be read is as if it were not there."""


def plain(headers: Mapping[str, str]) -> DeadLetter:
    """A dead letter without marks."""
    return DeadLetter(dialect="", headers=dict(headers))


def said(name: str, value: str) -> str:
    """A mark as evidence: its name, and its value within bounds."""
    words = " ".join(value.split())
    return f"{name}: {words}"[:EVIDENCE_CHARACTERS] if words else name


def whole_number(text: str | None, *, digits: int = 9) -> int | None:
    """A count in decimal digits, or None when it is none or has too many of them."""
    good = text and text.isascii() and text.isdigit() and len(text) <= digits
    return int(text) if text and good else None


def binary_number(text: str | None, size: int) -> int | None:
    """A count in digits, or in `size` big-endian bytes as Java writes it; None when neither.

    Headers are text here: bytes that were no UTF-8 stand in it as `\\xNN`.
    """
    if not text:
        return None
    raw = _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), text.encode())
    if len(raw) != size or raw.isdigit():
        return whole_number(text, digits=9 if size == 4 else 18)
    number = int.from_bytes(raw, "big", signed=True)
    return number if number >= 0 else None


def moment(text: str | None) -> datetime | None:
    """A time in RFC 3339 with its zone, or None."""
    if not text:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed.astimezone(UTC) if parsed.tzinfo else None
