"""The normal form of a dead letter's marks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What the marks say; empty or None where they say nothing."""

    dialect: str  # "" when no framework's marks were found
    headers: Mapping[str, str]  # the original ones: the framework's own are taken off
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

    name: str

    def recognises(self, headers: Mapping[str, str]) -> bool:
        """Whether the letter bears this framework's marks."""

    def read(self, headers: Mapping[str, str]) -> DeadLetter:
        """The normal form; a mark that cannot be read is as if it were not there."""


def plain(headers: Mapping[str, str]) -> DeadLetter:
    """A dead letter without marks."""
    return DeadLetter(dialect="", headers=dict(headers))


def whole_number(text: str | None) -> int | None:
    """A count, or None when it is none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None


def moment(text: str | None) -> datetime | None:
    """A time in RFC 3339 with its zone, or None."""
    if not text:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else None
