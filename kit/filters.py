"""One filter object a list: from the URL, it gives the list, the count and the bulk membership."""

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self, get_type_hints
from urllib.parse import urlencode

from django.utils.dateparse import parse_datetime


@dataclasses.dataclass(frozen=True)
class Filter:
    """Base of filter objects; fields are `str` or `datetime | None`, named as in the URL.

    What cannot be read as a time is ignored.
    """

    @classmethod
    def from_query(cls, query: Mapping[str, Any]) -> Self:
        """The filter a query string means; unknown parameters are none of its business."""
        hints = get_type_hints(cls)
        values: dict[str, Any] = {}
        for field in dataclasses.fields(cls):
            text = str(query.get(field.name) or "").strip()
            if text:
                values[field.name] = text if hints[field.name] is str else moment(text)
        return cls(**values)

    def as_query(self) -> dict[str, str]:
        """What is set, as parameters; `from_query` of it is this filter again."""
        pairs = ((f.name, getattr(self, f.name)) for f in dataclasses.fields(self))
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in pairs
            if value
        }

    def as_url(self) -> str:
        """The query string, without a question mark."""
        return urlencode(self.as_query())

    @property
    def is_set(self) -> bool:
        """Whether anything is filtered."""
        return bool(self.as_query())


def moment(text: str) -> datetime | None:
    """A time of a URL (RFC 3339, or what `datetime-local` sends, in UTC), or None."""
    try:
        parsed = parse_datetime(text.replace(" ", "+"))
    except ValueError:
        return None
    if parsed is None:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
