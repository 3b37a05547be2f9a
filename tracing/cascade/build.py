"""Pure: from rows to the graph of a cascade: nodes, edges with evidence, anomalies."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b

from tracing.cascade.anomalies import anomalies
from tracing.cascade.deliveries import deliveries
from tracing.cascade.model import (
    Anomaly,
    Delivery,
    Edge,
    EventNode,
    Evidence,
    event_node_id,
)
from tracing.cascade.whole import Cascade
from tracing.envelope import identity as identity_of
from tracing.rows import AppearanceRow, EventRow, ReceiptRow

LONG_AGO = datetime.min.replace(tzinfo=UTC)


def build(
    flow_id: str,
    events: Iterable[EventRow],
    receipts: Iterable[ReceiptRow],
    appearances: Iterable[AppearanceRow] = (),
    *,
    outside: Iterable[EventRow] = (),
    terminal: Sequence[str] = (),
) -> Cascade:
    """The cascade of a flow.

    `outside` are events of other flows that are named as causes here; `terminal` are the types
    that end a flow, for the critical path. Rows may come in any order and more than once.
    """
    draft = _Draft(flow_id)
    draft.rows = {row.identity: row for row in (*outside, *events)}
    sent_at = {row.identity: row.published_at for row in draft.rows.values()}
    draft.deliveries = deliveries(receipts, sent_at)
    _link_causes(draft)
    _link_deliveries(draft)
    nodes = _nodes(draft, _by_identity(appearances))
    edges = tuple(sorted(draft.edges, key=lambda e: (e.origin, e.target, e.evidence)))
    found = anomalies(nodes, draft.deliveries, edges) | draft.anomalies
    return Cascade(
        flow_id=flow_id,
        terminal=tuple(terminal),
        events=nodes,
        deliveries=tuple(draft.deliveries),
        edges=edges,
        anomalies=tuple(sorted(found, key=lambda a: (a.kind, a.node, a.detail))),
    )


@dataclass
class _Draft:
    """The graph while it is being put together."""

    flow_id: str
    rows: dict[bytes, EventRow] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)
    edges: set[Edge] = field(default_factory=set)
    anomalies: set[Anomaly] = field(default_factory=set)
    unseen: dict[str, str] = field(default_factory=dict)  # node ID -> what is known of it


def _by_identity(rows: Iterable[AppearanceRow]) -> dict[bytes, list[AppearanceRow]]:
    answer: dict[bytes, list[AppearanceRow]] = defaultdict(list)
    for row in rows:
        answer[row.identity].append(row)
    return answer


def _link_causes(draft: _Draft) -> None:
    """Edges from the causes an event names, inside the flow first; placeholders for unseen."""
    inside: dict[str, list[EventRow]] = defaultdict(list)
    beyond: dict[str, list[EventRow]] = defaultdict(list)
    for row in draft.rows.values():
        (inside if row.flow_id == draft.flow_id else beyond)[row.event_id].append(row)
    guessed = _unseen_identities(draft)
    for row in draft.rows.values():
        if row.flow_id != draft.flow_id:
            continue
        for cause in row.causes:
            target = event_node_id(row.identity)
            found = inside.get(cause) or beyond.get(cause) or []
            origins = [event_node_id(one.identity) for one in found]
            if len(found) > 1:
                detail = f"{len(found)} events have the ID {cause}, a cause of {row.type}"
                draft.anomalies.add(Anomaly("ambiguous_cause", target, detail))
            if not origins:
                origins = [_placeholder(draft, cause, guessed)]
                detail = f"{cause}, a cause of {row.type}, was not seen"
                draft.anomalies.add(Anomaly("missing_cause", target, detail))
            draft.edges.update(Edge(origin, target, Evidence.CAUSATION) for origin in origins)


def _unseen_identities(draft: _Draft) -> set[bytes]:
    """Identities that receipts speak of, of events that were not seen."""
    named = {delivery.identity for delivery in draft.deliveries}
    named.update(identity for one in draft.deliveries for identity in one.published)
    return named - draft.rows.keys()


def _placeholder(draft: _Draft, cause: str, unseen: set[bytes]) -> str:
    """The node of an unseen cause: the same one that receipts speak of, where that is sure."""
    for source in {row.source for row in draft.rows.values()} if unseen else ():
        identity = identity_of(source, cause)
        if identity in unseen:
            draft.unseen[event_node_id(identity)] = cause
            return event_node_id(identity)
    node = f"m-{blake2b(cause.encode(errors='surrogatepass'), digest_size=16).hexdigest()}"
    draft.unseen[node] = cause
    return node


def _link_deliveries(draft: _Draft) -> None:
    """Edges event -> delivery -> what it emitted."""
    for delivery in draft.deliveries:
        event = event_node_id(delivery.identity)
        if delivery.identity not in draft.rows:
            draft.unseen.setdefault(event, "")
            detail = f"{delivery.consumer} handled an event that was not seen"
            draft.anomalies.add(Anomaly("missing_event", event, detail))
        draft.edges.add(Edge(event, delivery.id, delivery.evidence))
        for identity in delivery.published:
            emitted = event_node_id(identity)
            if identity not in draft.rows:
                draft.unseen.setdefault(emitted, "")
                detail = f"{delivery.consumer} says it published an event that was not seen"
                draft.anomalies.add(Anomaly("missing_event", emitted, detail))
            draft.edges.add(Edge(delivery.id, emitted, delivery.evidence))


def _nodes(
    draft: _Draft, appearances: Mapping[bytes, list[AppearanceRow]]
) -> tuple[EventNode, ...]:
    nodes = [
        EventNode(
            id=event_node_id(row.identity),
            row=row,
            name=row.type,
            at=row.published_at,
            appearances=_in_order(appearances.get(row.identity, [])),
            outside=row.flow_id != draft.flow_id,
        )
        for row in draft.rows.values()
    ]
    times = _times_around(draft)
    nodes += [
        EventNode(
            id=node,
            row=None,
            name=f"event {known}" if known else "an event that was not seen",
            at=times.get(node, LONG_AGO),
            appearances=(),
            outside=False,
        )
        for node, known in draft.unseen.items()
    ]
    return tuple(sorted(nodes, key=lambda node: (node.at, node.id)))


def _in_order(appearances: list[AppearanceRow]) -> tuple[AppearanceRow, ...]:
    if len(appearances) < 2:
        return tuple(appearances)
    return tuple(
        sorted(
            set(appearances),
            key=lambda one: (one.broker_time or one.received_at, one.stream, one.position),
        )
    )


def _times_around(draft: _Draft) -> dict[str, datetime]:
    """When an unseen event must have been at the latest: the first of what followed from it,
    else the last of what led to it."""
    at = {event_node_id(row.identity): row.published_at for row in draft.rows.values()}
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
