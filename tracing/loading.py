"""A flow's rows from the database, put together as its cascade: five queries at any size."""

from itertools import chain

from brokers.config import current
from tracing.cascade import Cascade, build
from tracing.models import Appearance, Event, Receipt
from tracing.reading import appearance_rows, event_rows, receipt_rows
from tracing.rows import AppearanceRow, EventRow

CASCADE_ROWS = 20_000  # events, receipts or appearances of one flow that are read
OUTSIDE = 200  # causes looked for in other flows


def load(flow_id: str) -> Cascade | None:
    """The cascade of a flow, or None when nothing of it was seen."""
    events = list(event_rows(Event.objects.filter(flow_id=flow_id).order_by("id")[:CASCADE_ROWS]))
    found = Receipt.objects.filter(flow_id=flow_id).order_by("id")[:CASCADE_ROWS]
    receipts = list(receipt_rows(found))
    if not events and not receipts:
        return None
    return build(
        flow_id,
        events,
        receipts,
        _appearances(flow_id),
        outside=_outside(flow_id, events),
        terminal=current().flows.terminal,
    )


def _appearances(flow_id: str) -> list[AppearanceRow]:
    """The first appearance of an event is in its own row; it may be among the further ones too."""
    events = Event.objects.filter(flow_id=flow_id)
    further = Appearance.objects.filter(identity__in=events.values("identity"))
    first = events.exclude(position="").order_by("id")
    found = chain(appearance_rows(further[:CASCADE_ROWS]), appearance_rows(first[:CASCADE_ROWS]))
    return list({row.place: row for row in found}.values())


def _outside(flow_id: str, events: list[EventRow]) -> list[EventRow]:
    """Causes named in this flow that are events of other flows."""
    inside = {row.event_id for row in events}
    named = sorted({cause for row in events for cause in row.causes} - inside)[:OUTSIDE]
    if not named:
        return []
    found = Event.objects.filter(event_id__in=named).exclude(flow_id=flow_id)
    return list(event_rows(found.order_by("id")[:OUTSIDE]))
