"""Rows of the pure modules written to the database as the store would."""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import asdict

from tracing.models import Appearance, Event, Flow, FlowKey, Receipt
from tracing.rows import AppearanceRow, EventRow, ReceiptRow


def seed(
    events: Iterable[EventRow],
    receipts: Iterable[ReceiptRow],
    appearances: Iterable[AppearanceRow] = (),
    *,
    keys: Sequence[str] = (),
    body: bytes = b"{}",
    **more: Any,
) -> None:
    """Write these rows; their flows are there and dirty. `more` is set on every event."""
    rows = list(events)
    Event.objects.bulk_create(
        Event(**asdict(row) | {"causes": list(row.causes), "data": body, **more}) for row in rows
    )
    for row in receipts:
        values = asdict(row) | {"published": [identity.hex() for identity in row.published]}
        Receipt.objects.create(**values)
    for place in appearances:
        Appearance.objects.create(**columns_of(place))
    for flow_id in sorted({row.flow_id for row in rows}):
        started = min(row.published_at for row in rows if row.flow_id == flow_id)
        Flow.objects.get_or_create(flow_id=flow_id, defaults={"started_at": started})
        for key in keys:
            FlowKey.objects.get_or_create(key=key, flow_id=flow_id)


def columns_of(place: AppearanceRow) -> dict[str, Any]:
    """What is stored of an appearance: whether its stream is for the dead is configured."""
    return {name: value for name, value in asdict(place).items() if name != "dead"}
