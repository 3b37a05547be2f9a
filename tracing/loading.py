"""A flow's rows from the database, put together as its cascade: eight queries at most."""

from datetime import datetime

from msgspec.structs import replace

from brokers.config import current
from brokers.discovery import is_dead_letters
from tracing import routes
from tracing.aliases import canonical, names_of
from tracing.cascade import Cascade, build
from tracing.cascade.anomalies.sequence import gaps
from tracing.cascade.inference import unexplained
from tracing.models import Appearance, Event, Receipt
from tracing.reading import appearance_rows, event_rows, events_and_places, receipt_rows
from tracing.rows import AppearanceRow, EventRow, ReceiptRow
from tracing.ways import Way

CASCADE_ROWS = 20_000  # events, receipts or appearances of one flow that are read
OUTSIDE = 200  # causes looked for in other flows
NUMBERS = 500  # of a sequence that are looked for in other flows


def load(flow_id: str, *, truncated_before: datetime | None = None) -> Cascade | None:
    """The cascade of a flow, by any of its names, or None when nothing of it was seen.

    `truncated_before`: what was published before is no longer kept; there may be nothing else.
    """
    flow_id = canonical(flow_id)
    names = names_of(flow_id)
    own = Event.objects.filter(flow_id__in=names).order_by("id")[:CASCADE_ROWS]
    events, places = events_and_places(own)
    # within a cascade its events are of one flow, whatever they bear
    events = [row if row.flow_id == flow_id else replace(row, flow_id=flow_id) for row in events]
    found = Receipt.objects.filter(flow_id__in=names).order_by("id")[:CASCADE_ROWS]
    receipts = list(receipt_rows(found))
    if not events and not receipts and truncated_before is None:
        return None
    further = _further_places(names)
    cut = CASCADE_ROWS in (len(events), len(receipts), len(further))
    return build(
        flow_id,
        events,
        receipts,
        _with_the_dead([*places, *further]),
        outside=_outside(names, events),
        terminal=current().flows.terminal,
        ways=_ways(flow_id, events, receipts),
        elsewhere=_elsewhere(names, events),
        rows_read=CASCADE_ROWS if cut else None,
        truncated_before=truncated_before,
    )


def _further_places(names: list[str]) -> list[AppearanceRow]:
    """Where the events of a flow were seen, but for the first places: those are in their rows."""
    own = Event.objects.filter(flow_id__in=names).values("identity")
    found = Appearance.objects.filter(identity__in=own).order_by("id")
    return list(appearance_rows(found[:CASCADE_ROWS]))


def _with_the_dead(places: list[AppearanceRow]) -> list[AppearanceRow]:
    """These appearances; those on dead-letter queues are said to be there."""
    brokers = {broker.name: broker for broker in current().brokers}
    dead = {
        (broker, stream)
        for broker, stream in {(one.broker, one.stream) for one in places}
        if broker in brokers and is_dead_letters(stream, brokers[broker])
    }
    if not dead:
        return places
    return [replace(one, dead=True) if (one.broker, one.stream) in dead else one for one in places]


def _outside(names: list[str], events: list[EventRow]) -> list[EventRow]:
    """Causes named in this flow that are events of other flows."""
    inside = {row.event_id for row in events}
    named = sorted({cause for row in events for cause in row.causes} - inside)[:OUTSIDE]
    if not named:
        return []
    found = Event.objects.filter(event_id__in=named).exclude(flow_id__in=names)
    return list(event_rows(found.order_by("id")[:OUTSIDE]))


def _ways(flow_id: str, events: list[EventRow], receipts: list[ReceiptRow]) -> list[Way]:
    """The ways learned of the events that nothing led to, if there are any."""
    types = {row.type for row in unexplained(flow_id, events, receipts)}
    return routes.publishers(types) if types else []


def _elsewhere(names: list[str], events: list[EventRow]) -> set[tuple[str, str]]:
    """The numbers missing here that the same sources gave to events of other flows; of those
    beyond NUMBERS it is not known, so they are not said to be missing."""
    missing = {(gap.second.source, number) for gap in gaps(events) for number in gap.missing}
    if not missing:
        return set()
    asked = sorted(missing)[:NUMBERS]
    found = Event.objects.filter(
        sequence__in={number for _, number in asked}, source__in={source for source, _ in asked}
    )
    others = found.exclude(sequence="").exclude(flow_id__in=names).values_list("source", "sequence")
    return {*others.distinct()[:CASCADE_ROWS], *(missing - set(asked))}
