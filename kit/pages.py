"""Keyset pagination: the next page costs what the first one did, at any depth."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet

from kit.http import Problem
from kit.limits import COUNT_CAP, PAGE_MAX, PAGE_SIZE

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Page(Generic[M]):
    """One page of a list; `next` is the cursor of the following one or None."""

    items: list[M]
    next: str | None
    count: int
    estimated: bool  # the count stopped at COUNT_CAP: shown as "10,000+"


def page(
    rows: "QuerySet[M]", order: Sequence[str], cursor: str = "", limit: int = PAGE_SIZE
) -> Page[M]:
    """One page of `rows` in `order` (as in order_by; all fields the same way, the last unique).

    Raises Problem 400 when the cursor is not one of ours.
    """
    limit = max(1, min(limit, PAGE_MAX))
    after = rows.order_by(*order)
    if cursor:
        after = after.filter(_beyond(order, _decode(cursor, len(order))))
    found = list(after[: limit + 1])
    more = len(found) > limit
    items = found[:limit]
    count = rows.order_by()[: COUNT_CAP + 1].count()
    return Page(
        items=items,
        next=_encode(items[-1], order) if more else None,
        count=min(count, COUNT_CAP),
        estimated=count > COUNT_CAP,
    )


def _beyond(order: Sequence[str], values: list[Any]) -> Q:
    """(a, b) < (x, y), written out: a < x or (a = x and b < y)."""
    condition, equal = Q(), Q()
    for name, value in zip(order, values, strict=True):
        comparison = "lt" if name.startswith("-") else "gt"
        field = name.removeprefix("-")
        condition |= equal & Q(**{f"{field}__{comparison}": value})
        equal &= Q(**{field: value})
    first = order[0]
    # The same said once more of the first field alone: an index range scan can start from it.
    bound = "lte" if first.startswith("-") else "gte"
    return Q(**{f"{first.removeprefix('-')}__{bound}": values[0]}) & condition


def _encode(row: Model, order: Sequence[str]) -> str:
    values = [getattr(row, name.removeprefix("-")) for name in order]
    text = json.dumps([_plain(value) for value in values])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _plain(value: Any) -> Any:
    return {"t": value.isoformat()} if isinstance(value, datetime) else _number_or_text(value)


def _number_or_text(value: Any) -> Any:
    return value if isinstance(value, int | str) else str(value)


def _decode(cursor: str, fields: int) -> list[Any]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        values = json.loads(base64.urlsafe_b64decode(padded))
        if not isinstance(values, list) or len(values) != fields:
            raise ValueError("not one of ours")
        return [datetime.fromisoformat(v["t"]) if isinstance(v, dict) else v for v in values]
    except (ValueError, KeyError, TypeError) as error:
        raise Problem(400, "Bad cursor", "start again without `cursor`") from error
