"""What retention deleted and a broker delivers again: it goes again, and nothing changes.

The summary of a flow outlives its events, and is what remembers that they were here: so no event
needs a tombstone of its own (docs/adr/0008-retention.md).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from brokers.config import NOT_BROKERS
from brokers.retention import Retention
from tracing.models import Event, Flow, Receipt, Sweep
from tracing.reading import chunks
from tracing.retention import remove
from tracing.retention.remove import Old
from tracing.retention.walks import SIZE
from tracing.rows import EventRow, ReceiptRow


def drop(
    flows: Iterable[Flow],
    events: dict[str, list[EventRow]],
    receipts: dict[str, list[ReceiptRow]],
    retention: Retention,
    now: datetime,
) -> None:
    """Of truncated flows, delete what is older than what is kept, here and in the store.

    Within the caller's transaction, which has locked the flows. Pinned flows are left alone.
    """
    cut = [flow for flow in flows if flow.truncated_before and not flow.pinned_at]
    if not cut:
        return
    reach = Sweep.objects.filter(name=SIZE).values_list("reach", flat=True).first()
    kept_for = retention.age_of("receipts")
    for flow in cut:
        found = events.get(flow.flow_id, [])
        old = [row for row in found if _too_old(row, retention, reach, now)]
        told = [
            row
            for row in receipts.get(flow.flow_id, [])
            if kept_for is not None and row.seen_at < now - kept_for and row.origin == "receipt"
        ]
        if old or told:
            _erase(old, told)
            gone = {row.identity for row in old}
            said = {row.receipt_identity for row in told}
            events[flow.flow_id] = [row for row in found if row.identity not in gone]
            receipts[flow.flow_id] = [
                row
                for row in receipts.get(flow.flow_id, [])
                if row.receipt_identity not in said and row.identity not in gone
            ]


def _too_old(row: EventRow, retention: Retention, reach: datetime | None, now: datetime) -> bool:
    if row.broker in NOT_BROKERS:
        return False
    age = retention.of_type(row.type)
    if age is not None and row.published_at < now - age:
        return True
    return reach is not None and row.published_at <= reach


def _erase(events: Sequence[EventRow], receipts: Sequence[ReceiptRow]) -> None:
    for chunk in chunks(events):
        rows = Event.objects.filter(identity__in=[row.identity for row in chunk]).values_list(
            "id", "flow_id", "published_at", "identity"
        )
        remove.erase([Old(*row[:3], bytes(row[3])) for row in rows])
    for said in chunks(receipts):
        identities = [row.receipt_identity for row in said]
        Receipt.objects.filter(receipt_identity__in=identities).delete()
