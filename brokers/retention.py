"""How long what was seen is kept: `[retention]` of console.toml. Pure.

Without an age nothing of that kind is deleted.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated

import msgspec

LARGE_PAYLOAD = 64 * 1024  # bytes; larger bodies are kept apart from their event
LARGE_LEAST, LARGE_MOST = 1024, 1024 * 1024
TYPES = 50  # event types with an age of their own
SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 7 * 86_400}
BYTES = {
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}

Age = Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{0,5}[smhdw]$")]
Size = Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{0,5}([KMGT]i?B)$")]
Type = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ages such as `30d`, sizes such as `20GB`."""

    events: Age | None = None  # with their appearances, bodies and receipts
    types: Annotated[dict[Type, Age], msgspec.Meta(max_length=TYPES)] = {}  # other ages than that
    max_size: Size | None = None  # of the whole database: past it the oldest events go
    summaries: Age | None = None  # the row, keys and status of an order
    receipts: Age | None = None  # those without an event, or earlier than their event
    spans: Age | None = None
    malformed: Age | None = None
    large_payload: Size = "64KiB"

    @property
    def large_payload_bytes(self) -> int:
        """Bodies of more bytes are kept apart from their event."""
        return size(self.large_payload)

    @property
    def max_bytes(self) -> int | None:
        """The most bytes the database should use; None: no limit."""
        return None if self.max_size is None else size(self.max_size)

    @property
    def summary_age(self) -> timedelta | None:
        """How long the summary of an order is kept."""
        return None if self.summaries is None else age(self.summaries)

    def age_of(self, kind: str) -> timedelta | None:
        """How long receipts, spans or malformed messages are kept: as events unless said."""
        own: str | None = getattr(self, kind)
        text = own or self.events
        return None if text is None else age(text)

    def of_type(self, name: str) -> timedelta | None:
        """How long events of this type are kept; None: for ever."""
        text = self.types.get(name, self.events)
        return None if text is None else age(text)

    @property
    def on(self) -> bool:
        """Whether anything is ever deleted."""
        return any((self.events, self.types, self.max_size, self.summaries)) or any(
            self.age_of(kind) for kind in ("receipts", "spans", "malformed")
        )


def problems(retention: Retention) -> Iterator[tuple[str, str]]:
    """What contradicts itself: the key, and what is wrong with it."""
    ages = [*filter(None, (retention.events, retention.receipts)), *retention.types.values()]
    if retention.summaries and any(age(text) > age(retention.summaries) for text in ages):
        yield "summaries", "shorter than what it sums up; give it the longest age"
    if not LARGE_LEAST <= retention.large_payload_bytes <= LARGE_MOST:
        yield "large_payload", "must be from 1KiB to 1MiB"


def age(text: str) -> timedelta:
    """`30d` as a length of time."""
    return timedelta(seconds=int(text[:-1]) * SECONDS[text[-1]])


def size(text: str) -> int:
    """`20GB` in bytes."""
    number = re.match(r"\d+", text)
    assert number is not None  # noqa: S101  # the pattern of Size
    return int(number.group()) * BYTES[text[number.end() :]]
