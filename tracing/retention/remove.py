"""The deletions, each within the caller's transaction: rows, and what hangs on them.

The flows they belong to keep their summary and learn up to when they were cut.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from tracing import aliases
from tracing.aliases import leads_to, led_by
from tracing.bulk import change, moment
from tracing.models import (
    Appearance,
    Event,
    Flow,
    FlowKey,
    Malformed,
    Payload,
    Receipt,
    Span,
)
from tracing.retention.keeping import held
from tracing.search import index, marks
from tracing.truncation import LASTING

# PostgreSQL looks for deadlocks after a second: so retention is the one that gives way.
WAIT = "SET LOCAL lock_timeout = '300ms'"
CUT = (
    "UPDATE tracing_flow SET cut_events = cut_events + %s,"  # noqa: S608
    " truncated_before = CASE WHEN truncated_before > %s THEN truncated_before ELSE %s END,"
    f" cut_status = CASE WHEN status IN {LASTING} THEN status ELSE cut_status END"
    " WHERE flow_id = %s"
)


class Old(NamedTuple):
    """A row that may go. `at` is when it happened."""

    id: int
    flow_id: str
    at: datetime
    identity: bytes = b""
    type: str = ""


def give_way() -> None:
    """Rather wait for the next time than let a writer wait."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(WAIT)


def events(rows: Sequence[Old]) -> int:
    """Delete these events with all that only they need, but for flows that stay; how many."""
    rows = _free(rows)
    if rows:
        erase(rows)
        _cut(rows, events=True)
    return len(rows)


def erase(rows: Sequence[Old]) -> None:
    """Delete these events with all that only they need, whatever their flows."""
    identities = [row.identity for row in rows]
    ids = [row.id for row in rows]
    index.forget(ids)
    for model in (Appearance, Receipt, Payload):
        model.objects.filter(identity__in=identities).delete()
    Event.objects.filter(id__in=ids).delete()


def receipts(rows: Sequence[Old]) -> int:
    """Delete these receipts, but for flows that stay; how many."""
    rows = _free(rows)
    Receipt.objects.filter(id__in=[row.id for row in rows]).delete()
    _cut(rows, events=False)
    return len(rows)


def spans(rows: Sequence[Old]) -> int:
    """Delete these spans, but for the traces that are flows which stay; how many."""
    rows = _free(rows)
    Span.objects.filter(id__in=[row.id for row in rows]).delete()
    return len(rows)


def malformed(rows: Sequence[Old]) -> int:
    """Delete these malformed messages; how many."""
    Malformed.objects.filter(id__in=[row.id for row in rows]).delete()
    return len(rows)


def summaries(rows: Sequence[Old]) -> int:
    """Delete these flows, with what they are found by, unless something of them is left."""
    rows = _free(rows)
    ids = {row.flow_id for row in rows}
    lead = led_by(ids) | {flow_id: flow_id for flow_id in ids}
    for model in (Event, Receipt):
        left = model.objects.filter(flow_id__in=sorted(lead)).values_list("flow_id", flat=True)
        ids.difference_update({lead[name] for name in left.distinct()})
    gone = sorted(name for name, flow_id in lead.items() if flow_id in ids)
    marks.forget(gone)
    FlowKey.objects.filter(flow_id__in=gone).delete()
    Flow.every.filter(flow_id__in=gone).delete()
    aliases.forget(gone)
    return len(ids)


def _free(rows: Sequence[Old]) -> list[Old]:
    """Those that no flow holds; each by the flow that its own leads to."""
    lead = leads_to({row.flow_id for row in rows})
    rows = [row._replace(flow_id=lead.get(row.flow_id, row.flow_id)) for row in rows]
    kept: Collection[str] = held({row.flow_id for row in rows})
    return [row for row in rows if row.flow_id not in kept]


def _cut(rows: Iterable[Old], *, events: bool) -> None:
    """Their flows are truncated, and keep how they ended."""
    cut: dict[str, list[datetime]] = defaultdict(list)
    for row in rows:
        cut[row.flow_id].append(row.at)
    values = []
    for flow_id, times in sorted(cut.items()):
        last = moment(max(times))
        values.append((len(times) if events else 0, last, last, flow_id))
    change(CUT, values)
