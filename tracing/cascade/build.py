"""Pure: from rows to the graph of a cascade: nodes, edges with evidence, anomalies."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from kit import formats
from tracing.cascade.causes import link_causes, link_deliveries
from tracing.cascade.deliveries import deliveries
from tracing.cascade.draft import Draft
from tracing.cascade.inference import infer
from tracing.cascade.kinds import Kind
from tracing.cascade.model import UNSEEN, EventNode
from tracing.cascade.whole import Cascade
from tracing.rows import AppearanceRow, EventRow, ReceiptRow
from tracing.ways import Way

LONG_AGO = datetime.min.replace(tzinfo=UTC)
LATEST = datetime.max.replace(tzinfo=UTC)


def build(
    flow_id: str,
    events: Iterable[EventRow],
    receipts: Iterable[ReceiptRow],
    appearances: Iterable[AppearanceRow] = (),
    *,
    outside: Iterable[EventRow] = (),
    terminal: Sequence[str] = (),
    ways: Collection[Way] = (),
    elsewhere: Collection[tuple[str, str]] = (),
    rows_read: int | None = None,
    truncated_before: datetime | None = None,
) -> Cascade:
    """The cascade of a flow. Rows may come in any order and more than once.

    `outside` are events of other flows that are named as causes here; `terminal` are the types
    that end a flow, for the critical path and for what is late; `ways` are those learned of the
    events that name no cause; `elsewhere` the sources and sequences of events that other flows
    have; `rows_read` says that there are more than so many rows, of which these are the first;
    what was published before `truncated_before` is no longer kept.
    """
    rows = {row.identity: row for row in (*outside, *events)}
    draft = Draft(flow_id, {row.identity: row for row in sorted(rows.values(), key=_sent)})
    sent_at = {row.identity: row.published_at for row in draft.rows.values()}
    draft.deliveries = deliveries(receipts, sent_at)
    link_causes(draft)
    link_deliveries(draft)
    infer(draft, ways)
    nodes = _nodes(draft, _by_identity(appearances))
    if nodes:
        _note_truncated(draft, nodes[0].id, rows_read, truncated_before)
    return Cascade(
        flow_id=flow_id,
        terminal=tuple(terminal),
        events=nodes,
        deliveries=tuple(draft.deliveries),
        edges=tuple(draft.edges),
        noted=frozenset(draft.noted),
        elsewhere=frozenset(elsewhere),
    )


def _sent(row: EventRow) -> tuple[datetime, bytes]:
    return row.published_at, row.identity


def _note_truncated(
    draft: Draft, node: str, rows_read: int | None, truncated_before: datetime | None
) -> None:
    """What is known not to be whole is said so, at what stands first."""
    if rows_read is not None:
        detail = f"only the first {rows_read:,} events, receipts and places each are read"
        draft.note(Kind.TRUNCATED, node, detail)
    if truncated_before is not None:
        since = formats.full_time(truncated_before)
        detail = f"what was published before {since} is no longer kept"
        draft.note(Kind.TRUNCATED, node, detail)


def _by_identity(rows: Iterable[AppearanceRow]) -> dict[bytes, list[AppearanceRow]]:
    answer: dict[bytes, list[AppearanceRow]] = defaultdict(list)
    for row in rows:
        answer[row.identity].append(row)
    return answer


def _nodes(draft: Draft, appearances: Mapping[bytes, list[AppearanceRow]]) -> tuple[EventNode, ...]:
    nodes = [
        EventNode(
            id=draft.node_of(row.identity),
            row=row,
            name=row.type,
            at=row.published_at,
            appearances=_in_order(appearances.get(row.identity, [])),
            outside=row.flow_id != draft.flow_id,
        )
        for row in draft.rows.values()
    ]
    if not draft.unseen:
        return tuple(nodes)
    times = _times_around(draft)
    nodes += [
        EventNode(
            id=node,
            row=None,
            name=f"event {known}" if known else UNSEEN,
            at=times.get(node, LONG_AGO),
            appearances=(),
            outside=False,
        )
        for node, known in draft.unseen.items()
    ]
    return tuple(sorted(nodes, key=lambda node: (node.at, node.id)))


def _in_order(appearances: list[AppearanceRow]) -> tuple[AppearanceRow, ...]:
    """As the broker had them; when one came in here says nothing (promise 10)."""
    if len(appearances) < 2:
        return tuple(appearances)
    return tuple(
        sorted(
            {one.place: one for one in appearances}.values(),
            key=lambda one: (one.broker_time or LATEST, one.stream, one.position),
        )
    )


def _times_around(draft: Draft) -> dict[str, datetime]:
    """When an unseen event must have been at the latest: the first of what followed from it,
    else the last of what led to it."""
    at = {draft.node_of(row.identity): row.published_at for row in draft.rows.values()}
    starts = {delivery.id: delivery.started_at for delivery in draft.deliveries} | at
    ends = {d.id: d.ended_at or d.started_at for d in draft.deliveries} | at
    after: dict[str, datetime] = {}
    before: dict[str, datetime] = {}
    for edge in draft.edges:
        if edge.origin in draft.unseen and edge.target in starts:
            moment = starts[edge.target]
            after[edge.origin] = min(after.get(edge.origin, moment), moment)
        if edge.target in draft.unseen and edge.origin in ends:
            moment = ends[edge.origin]
            before[edge.target] = max(before.get(edge.target, moment), moment)
    return before | after
