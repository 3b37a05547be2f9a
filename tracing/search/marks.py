"""What a flow is found by: its types, consumers and words of errors, kept as its rows say.

Within the summariser's transaction. Pure but for `keep`, which writes the difference.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from kit.redaction import mask_text
from tracing.bulk import IGNORE, Table, moment, write
from tracing.models import FlowConsumer, FlowError, FlowType
from tracing.rows import EventRow, ReceiptRow
from tracing.search.words import cut

MARKS = 64  # of one kind, of one flow: the rest, last in the alphabet, does not find it
ERRORS = 20  # different errors of one flow whose words are kept
MESSAGE_CHARACTERS = 400  # of an error's message

Named = FlowType | FlowConsumer | FlowError
KINDS: Mapping[type[Named], str] = {
    FlowType: "type",
    FlowConsumer: "consumer",
    FlowError: "word",
}

TABLES = {
    kind: Table(
        kind._meta.db_table,
        ("flow_id", field, "started_at"),
        ("text", "text", "timestamptz"),
    )
    for kind, field in KINDS.items()
}


@dataclass(frozen=True, slots=True)
class Found:
    """A flow, when it started, and what it is found by, of each kind."""

    flow_id: str
    started_at: datetime
    names: Mapping[type[Named], Sequence[str]]
    cut: bool = False  # by retention: what it was found by before stays


def found(
    flow_id: str,
    started_at: datetime,
    events: Iterable[EventRow],
    receipts: Iterable[ReceiptRow],
    *,
    cut_off: bool = False,
) -> Found:
    """What the flow of these rows is found by; `cut_off` if retention left only these."""
    told = list(receipts)
    names: dict[type[Named], Sequence[str]] = {
        FlowType: sorted({row.type for row in events}),
        FlowConsumer: sorted({row.consumer for row in told}),
        FlowError: error_words(told),
    }
    few = {kind: all_of_it[:MARKS] for kind, all_of_it in names.items()}
    return Found(flow_id, started_at, few, cut_off)


def error_words(receipts: Iterable[ReceiptRow]) -> list[str]:
    """The words of these errors, in the order of the alphabet; a type also counts as one word."""
    errors = {(row.error_type, row.error_message) for row in receipts if row.error_type}
    words: set[str] = set()
    for type_, message in sorted(errors)[:ERRORS]:
        words.update(cut(type_), cut(mask_text(message[:MESSAGE_CHARACTERS])))
    return sorted(words)


def keep(flows: Sequence[Found]) -> None:
    """Let the rows of these flows be exactly these (of one that was cut, these too), and in the
    place of their start."""
    for kind in KINDS:
        _keep(kind, flows)


def forget(flow_ids: Sequence[str]) -> None:
    """These flows are found by nothing any more."""
    for kind in KINDS:
        kind.objects.filter(flow_id__in=flow_ids).delete()


def _keep(kind: type[Named], flows: Sequence[Found]) -> None:
    field = KINDS[kind]
    starts = {flow.flow_id: flow.started_at for flow in flows}
    wanted = {(flow.flow_id, name) for flow in flows for name in flow.names[kind]}
    rows = kind.objects.filter(flow_id__in=sorted(starts))
    there = {
        (flow_id, name): (key, at)
        for key, flow_id, name, at in rows.values_list("pk", "flow_id", field, "started_at")
    }
    whole = {flow.flow_id for flow in flows if not flow.cut}
    gone = [there[pair][0] for pair in there.keys() - wanted if pair[0] in whole]
    if gone:
        kind.objects.filter(pk__in=gone).delete()
    moved = {pair[0] for pair in there if there[pair][1] != starts[pair[0]]}
    for flow_id in sorted(moved):
        kind.objects.filter(flow_id=flow_id).update(started_at=starts[flow_id])
    new = sorted(wanted - there.keys())
    write(
        TABLES[kind],
        [(flow_id, name, moment(starts[flow_id])) for flow_id, name in new],
        IGNORE,
    )
