"""Pure: the last resort: a cause for an event that names none, where only one is plausible.

First, that the service which publishes it was handling an event of the same flow at that moment;
else, that the one consumer known to publish such events handled one with the same partition key.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from heapq import heappop, heappush
from itertools import islice

from tracing.cascade.anomalies.shape import on_cycles
from tracing.cascade.draft import Draft
from tracing.cascade.model import Delivery, Edge, Evidence
from tracing.rows import EventRow, ReceiptRow
from tracing.ways import SOURCE_MAX, Way

Span = tuple[datetime, datetime, str, Delivery]  # of an attempt: its start and end
_PARTS = re.compile(r"[/:#?]+")
_SUFFIX = re.compile(r"[-@:/.]")  # behind it, what tells processes of one service apart


def unexplained(
    flow_id: str, events: Iterable[EventRow], receipts: Iterable[ReceiptRow]
) -> list[EventRow]:
    """The events of a flow, but for its first, of which nothing says what led to them."""
    told = {identity for row in receipts for identity in row.published}
    bare = [row for row in events if _bare(row, flow_id) and row.identity not in told]
    return sorted(bare, key=lambda row: (row.published_at, row.identity))[1:]


def infer(draft: Draft, ways: Collection[Way]) -> None:
    """Add the edges; one that would close a circle is none."""
    bare = [row for row in draft.rows.values() if _bare(row, draft.flow_id)]
    if bare and draft.deliveries:
        told = {edge.target for edge in draft.edges}
        bare = [row for row in bare if draft.node_of(row.identity) not in told]
    if not bare or not draft.deliveries:
        return
    inferred = [
        Edge(delivery.id, draft.node_of(row.identity), Evidence.INFERRED)
        for row, delivery in _found(bare, draft, ways)
    ]
    if inferred:
        draft.edges.update(dict.fromkeys(_open(inferred, draft.edges)))


def _bare(row: EventRow, flow_id: str) -> bool:
    return not row.causes and row.flow_id == flow_id


def _found(
    bare: Sequence[EventRow], draft: Draft, ways: Collection[Way]
) -> Iterator[tuple[EventRow, Delivery]]:
    at_work = _at_work(bare, draft)
    publishers = _Publishers(draft, ways)
    for row in bare:
        candidates = at_work.get(row.identity) or publishers.of(row)
        if len(candidates) == 1:
            yield row, candidates[0]


def _may_lead(delivery: Delivery, row: EventRow, rows: Mapping[bytes, EventRow]) -> bool:
    """Whether the handled event is another one, sent before, as far as is known."""
    handled = rows.get(delivery.identity)
    if handled is None:
        return delivery.identity != row.identity
    return handled.published_at < row.published_at


def _at_work(bare: Iterable[EventRow], draft: Draft) -> dict[bytes, list[Delivery]]:
    """Of each event, at most two handlings by the service that published it, at that moment."""
    by_service: dict[str, list[EventRow]] = defaultdict(list)
    for row in bare:
        by_service[_service(row.source)].append(row)
    work: dict[str, list[Span]] = defaultdict(list)
    names_of = cache(_names)
    for delivery in draft.deliveries:
        if delivery.evidence is not Evidence.INFERRED:
            for attempt in delivery.attempts:
                for name in names_of(delivery.consumer, attempt.processes) & by_service.keys():
                    if attempt.ended_at is not None:
                        span = (attempt.started_at, attempt.ended_at, delivery.id, delivery)
                        work[name].append(span)
    found: dict[bytes, list[Delivery]] = {}
    for service, rows in by_service.items():
        if service in work:
            found.update(_sweep(rows, sorted(work[service], key=lambda span: span[:3]), draft))
    return found


def _sweep(
    rows: Iterable[EventRow],
    spans: Sequence[Span],
    draft: Draft,
) -> Iterator[tuple[bytes, list[Delivery]]]:
    """Through events and handlings in order of time."""
    begun: list[tuple[datetime, int]] = []  # end and number, the first to end on top
    number = 0
    for row in rows:
        moment = row.published_at
        while number < len(spans) and spans[number][0] <= moment:
            heappush(begun, (spans[number][1], number))
            number += 1
        while begun and begun[0][0] < moment:
            heappop(begun)
        yield row.identity, _two((spans[at][3] for _, at in begun), row, draft.rows)


def _two(
    handled: Iterable[Delivery], row: EventRow, rows: Mapping[bytes, EventRow]
) -> list[Delivery]:
    """The deliveries that may have led to this event; two are as good as many."""
    found: dict[str, Delivery] = {}
    for delivery in handled:
        if _may_lead(delivery, row, rows):
            found[delivery.id] = delivery
            if len(found) == 2:
                break
    return list(found.values())


def _names(consumer: str, processes: Iterable[str]) -> set[str]:
    return {consumer.lower(), *(_SUFFIX.split(one.lower())[0] for one in processes)}


def _service(source: str) -> str:
    """`payment` of `/shop/payment` and of `urn:shop:payment`."""
    parts = [part for part in _PARTS.split(source.lower()) if part]
    return parts[-1] if parts else ""


class _Publishers:
    """Who is known, from other flows, to publish what, and what they handled in this one."""

    def __init__(self, draft: Draft, ways: Iterable[Way]) -> None:
        self._rows = draft.rows
        self._known: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for way in ways:
            if way.source and way.consumer:
                self._known[way[:4]].add(way.consumer)
        self._handled: dict[tuple[str, str], list[Delivery]] = defaultdict(list)
        for delivery in draft.deliveries if self._known else ():
            row = draft.rows.get(delivery.identity)
            if row is not None and row.partition_key:
                self._handled[delivery.consumer, row.partition_key].append(delivery)

    def of(self, row: EventRow) -> list[Delivery]:
        """The handlings that this event may have been published by, a few at most."""
        way = (row.broker, row.topic, row.type, row.source[:SOURCE_MAX])
        found: list[Delivery] = []
        for consumer in sorted(self._known.get(way, ())):
            handled = self._handled.get((consumer, row.partition_key), [])
            begun = bisect_right(handled, row.published_at, key=lambda one: one.started_at)
            found += _two(islice(handled, begun), row, self._rows)
        return found


def _open(inferred: Sequence[Edge], edges: Iterable[Edge]) -> list[Edge]:
    """Without those that lie on a circle."""
    ahead: dict[str, list[str]] = defaultdict(list)
    for edge in (*edges, *inferred):
        ahead[edge.origin].append(edge.target)
    circle = on_cycles(ahead)
    return [edge for edge in inferred if not {*edge.ends} <= circle]
