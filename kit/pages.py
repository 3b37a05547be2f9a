"""Keyset pagination: the next page costs what the first one did, at any depth."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet

from kit.http import Problem
from kit.limits import COUNT_CAP, PAGE_MAX, PAGE_SIZE, WALK

M = TypeVar("M", bound=Model)
Order = Sequence[str]


@dataclass(frozen=True)
class Page(Generic[M]):
    """One page of a list; `next` and `previous` are cursors of the pages beside it, or None.

    `walked_out`: it ends where WALK rows were looked at, though it is not full.
    """

    items: list[M]
    next: str | None
    count: int
    estimated: bool  # there are more than were counted: shown as "10,000+"
    previous: str | None = None
    walked_out: bool = False


def page(
    rows: "QuerySet[M]",
    order: Order,
    cursor: str = "",
    limit: int = PAGE_SIZE,
    walked: "QuerySet[Any] | None" = None,
) -> Page[M]:
    """One page of `rows` in `order` (as in order_by; all fields the same way, the last unique).

    `walked`: the rows of the same table that an index gives in this order, where only a look at
    each tells which are meant; then at most WALK are looked at, and what is found is the count.
    Raises Problem 400 when the cursor is not one of ours.
    """
    limit = max(1, min(limit, PAGE_MAX))
    place, back = _decode(cursor, len(order)) if cursor else (None, False)
    way = _turned(order) if back else order
    edge = None if walked is None else _edge(walked, way, place)
    found = list(_stretch(rows, way, place, edge)[: limit + 1])
    items, more = found[:limit], len(found) > limit
    if back and not more and not edge:
        return page(rows, order, "", limit, walked)  # what is left before is the first page
    end = _values(items[-1], way) if more else edge
    start = _values(items[0], way) if items and place else place
    onward, behind = (end, start) if not back else (start, end)
    # to count a walk is to look at each row: no more is known of it than this page
    count = rows.order_by()[: COUNT_CAP + 1].count() if walked is None else len(items)
    return Page(
        items=items[::-1] if back else items,
        next=_encode(onward, back=False) if onward else None,
        count=min(count, COUNT_CAP),
        estimated=count > COUNT_CAP or (walked is not None and bool(place or onward)),
        previous=_encode(behind, back=True) if behind else None,
        walked_out=edge is not None and not more,
    )


def _edge(walked: "QuerySet[Any]", way: Order, place: list[Any] | None) -> list[Any] | None:
    """Where the walk has looked at WALK rows; None when it ends before."""
    names = [name.removeprefix("-") for name in way]
    rows = _stretch(walked, way, place, None).values_list(*names)[WALK - 1 : WALK + 1]
    found = list(rows)
    return list(found[0]) if len(found) > 1 else None


def _stretch(
    rows: "QuerySet[M]", way: Order, place: list[Any] | None, edge: list[Any] | None
) -> "QuerySet[M]":
    """The rows after `place` up to and with `edge`, in order."""
    rows = rows.order_by(*way)
    if place:
        rows = rows.filter(_bound(way[0], place[0]) & _beyond(way, place))
    if edge:
        rows = rows.filter(_bound(_turned(way)[0], edge[0]) & ~_beyond(way, edge))
    return rows


def _bound(first: str, value: Any) -> Q:
    """The same said once more of the first field alone: an index range scan can start from it."""
    comparison = "lte" if first.startswith("-") else "gte"
    return Q(**{f"{first.removeprefix('-')}__{comparison}": value})


def _beyond(order: Order, values: list[Any]) -> Q:
    """(a, b) < (x, y), written out: a < x or (a = x and b < y)."""
    condition, equal = Q(), Q()
    for name, value in zip(order, values, strict=True):
        comparison = "lt" if name.startswith("-") else "gt"
        field = name.removeprefix("-")
        condition |= equal & Q(**{f"{field}__{comparison}": value})
        equal &= Q(**{field: value})
    return condition


def _turned(order: Order) -> Order:
    return [name.removeprefix("-") if name.startswith("-") else f"-{name}" for name in order]


def _values(row: Model, order: Order) -> list[Any]:
    return [getattr(row, name.removeprefix("-")) for name in order]


def _encode(values: list[Any], *, back: bool) -> str:
    plain = [_plain(value) for value in values]
    text = json.dumps({"back": plain} if back else plain)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _plain(value: Any) -> Any:
    return {"t": value.isoformat()} if isinstance(value, datetime) else _number_or_text(value)


def _number_or_text(value: Any) -> Any:
    return value if isinstance(value, int | str) else str(value)


def _decode(cursor: str, fields: int) -> tuple[list[Any], bool]:
    """Where the cursor stands, and whether the page is the one before it."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        values = json.loads(base64.urlsafe_b64decode(padded))
        back = isinstance(values, dict)
        values = values["back"] if back else values
        if not isinstance(values, list) or len(values) != fields:
            raise ValueError("not one of ours")
        read = [datetime.fromisoformat(v["t"]) if isinstance(v, dict) else v for v in values]
    except (ValueError, KeyError, TypeError) as error:
        raise Problem(400, "Bad cursor", "start again without `cursor`") from error
    return read, back
