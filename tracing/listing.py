"""A page of flows: by the rows of whatever names the fewest of them, never by reading the store.

What names few flows gives their IDs. Otherwise one index in the list's order leads, and the other
conditions are looked up for each flow it comes to (kit.pages: a bounded walk).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max, QuerySet

from kit.limits import PAGE_SIZE
from kit.pages import Page, page
from tracing.filters import FEW, FlowFilter, probe
from tracing.models import Event, Flow
from tracing.search.matches import BLOCK, NEWEST, WIDE, Matches, newest

FEW_LED = 100  # where an index can lead as well, that is cheaper from here on
COMPARED = 2_000  # rows counted to see which index leads; of two with more, the first does
JUST_BEFORE = 50  # orders that tell how far the events before a time go
ORDER = ("-started_at", "-id")
MARK_ORDER = ("-started_at", "-flow_id")


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of flows, and what of their payloads matches where text is asked for."""

    page: Page[Flow]
    matches: Matches | None = None


@dataclass(frozen=True, slots=True)
class _Way:
    """Flows by ID where few are named, and the rows that name too many for that."""

    ids: frozenset[str] | None
    marks: Sequence["QuerySet[Any]"]  # in the list's order
    named: Sequence["QuerySet[Any]"]


def listed(
    chosen: FlowFilter, cursor: str = "", limit: int = PAGE_SIZE, *, oldest: bool = False
) -> Listed:
    """The flows that are chosen, newest first, or oldest first.

    Raises Problem 400 when the cursor is not one of ours. Where `chosen.problems` says so
    nothing is found.
    """
    if chosen.problems:
        return Listed(Page([], None, 0, estimated=False))
    matches = _matches(chosen) if chosen.text else None
    way = _way(chosen, matches)
    return Listed(_page(chosen, way, cursor, limit, oldest=oldest), matches)


def _matches(chosen: FlowFilter) -> Matches:
    """Further back where other filters narrow it down; with `until`, from about there."""
    alone = chosen.as_query().keys() == {"text"}
    last = _last_event(chosen.until) if chosen.until else None
    return newest(chosen.asked, NEWEST if alone else WIDE, last)


def _last_event(until: datetime) -> int:
    """The number of an event that few orders which started before this have a later one than."""
    before = Flow.objects.filter(started_at__lt=until).order_by("-started_at")
    flow_ids = list(before.values_list("flow_id", flat=True)[:JUST_BEFORE])
    found = Event.objects.filter(flow_id__in=flow_ids).aggregate(last=Max("pk"))
    return (found["last"] or 0) + BLOCK


def _way(chosen: FlowFilter, matches: Matches | None) -> _Way:
    ids = None if matches is None else frozenset(matches.events)
    many: list[list[QuerySet[Any]]] = []
    for group, few in ((chosen.marks(), FEW_LED), (chosen.named(), FEW)):
        many.append([])
        for rows in group:
            found = list(rows.values_list("flow_id", flat=True)[: few + 1])
            if len(found) > few:
                many[-1].append(rows)
            else:
                ids = frozenset(found) if ids is None else ids & frozenset(found)
    return _Way(ids, *many)


def _page(chosen: FlowFilter, way: _Way, cursor: str, limit: int, *, oldest: bool) -> Page[Flow]:
    flows = Flow.objects.filter(**chosen.started)
    if chosen.status:
        flows = flows.filter(status=chosen.status)
    order = _order(ORDER, oldest=oldest)
    without = [~probe(rows) for rows in chosen.unwanted()]
    probes = [probe(rows) for rows in (*way.marks, *way.named)] + without
    if way.ids is not None:
        return page(flows.filter(*probes, flow_id__in=sorted(way.ids)), order, cursor, limit)
    lead = _least([*way.marks, *([flows] if chosen.status or not way.marks else [])])
    if lead is flows:
        return page(flows.filter(*probes), order, cursor, limit, flows if probes else None)
    others = [probe(rows) for rows in (*way.marks, *way.named) if rows is not lead] + without
    if chosen.status:
        others.append(probe(Flow.objects.filter(status=chosen.status)))
    return _led(lead, others, cursor, limit, oldest=oldest)


def _led(
    lead: "QuerySet[Any]", conditions: Sequence[Any], cursor: str, limit: int, *, oldest: bool
) -> "Page[Flow]":
    """The flows that these rows come to, in their order."""
    order = _order(MARK_ORDER, oldest=oldest)
    walked = lead if conditions else None
    found = page(lead.filter(*conditions), order, cursor, limit, walked)
    flows = Flow.objects.in_bulk([row.flow_id for row in found.items], field_name="flow_id")
    return Page(
        items=[flows[row.flow_id] for row in found.items if row.flow_id in flows],
        next=found.next,
        count=found.count,
        estimated=found.estimated,
        previous=found.previous,
        walked_out=found.walked_out,
    )


def _order(order: Sequence[str], *, oldest: bool) -> Sequence[str]:
    return [name.removeprefix("-") for name in order] if oldest else order


def _least(rows: "Sequence[QuerySet[Any]]") -> "QuerySet[Any]":
    """Those rows of which there are the fewest, as far as it is worth counting."""
    if len(rows) == 1:
        return rows[0]
    return min(rows, key=lambda some: some.order_by()[:COMPARED].count())
