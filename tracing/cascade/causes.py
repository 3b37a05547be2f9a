"""Pure: edges from the causes that events name, and from what deliveries handled and emitted."""

from collections import defaultdict
from hashlib import blake2b

from tracing.cascade.draft import Draft
from tracing.cascade.kinds import Kind
from tracing.cascade.model import Edge, Evidence, event_node_id
from tracing.envelope import identity as identity_of
from tracing.rows import SPAN_BROKER, EventRow


def link_causes(draft: Draft) -> None:
    """Edges from the causes an event names, inside the flow first; placeholders for unseen.

    An event that only a span tells of has its causes from that span's links.
    """
    inside: dict[str, list[EventRow]] = defaultdict(list)
    beyond: dict[str, list[EventRow]] = defaultdict(list)
    for row in draft.rows.values():
        (inside if draft.is_own(row) else beyond)[row.event_id].append(row)
    guessed = _unseen_identities(draft)
    for row in draft.rows.values():
        if not row.causes or not draft.is_own(row):
            continue
        target = event_node_id(row.identity)
        evidence = Evidence.LINK if row.broker == SPAN_BROKER else Evidence.CAUSATION
        for cause in row.causes:
            found = inside.get(cause) or beyond.get(cause) or []
            origins = [event_node_id(one.identity) for one in found]
            if len(found) > 1:
                detail = f"{len(found)} events have the ID {cause}, a cause of {row.type}"
                draft.note(Kind.AMBIGUOUS_CAUSE, target, detail)
            if not origins:
                origins = [_placeholder(draft, cause, guessed)]
                detail = f"{cause}, a cause of {row.type}, was not seen"
                draft.note(Kind.MISSING_CAUSE, target, detail)
            draft.edges.update(Edge(origin, target, evidence) for origin in origins)


def _unseen_identities(draft: Draft) -> set[bytes]:
    """Identities that receipts speak of, of events that were not seen."""
    named = {delivery.identity for delivery in draft.deliveries}
    named.update(sent.identity for one in draft.deliveries for sent in one.emitted)
    return named - draft.rows.keys()


def _placeholder(draft: Draft, cause: str, unseen: set[bytes]) -> str:
    """The node of an unseen cause: the same one that receipts speak of, where that is sure."""
    for source in {row.source for row in draft.rows.values()} if unseen else ():
        identity = identity_of(source, cause)
        if identity in unseen:
            draft.unseen[event_node_id(identity)] = cause
            return event_node_id(identity)
    node = f"m-{blake2b(cause.encode(errors='surrogatepass'), digest_size=16).hexdigest()}"
    draft.unseen[node] = cause
    return node


def link_deliveries(draft: Draft) -> None:
    """Edges event -> delivery -> what it emitted."""
    for delivery in draft.deliveries:
        event = event_node_id(delivery.identity)
        if delivery.identity not in draft.rows:
            draft.unseen.setdefault(event, "")
            detail = f"{delivery.consumer} handled an event that was not seen"
            draft.note(Kind.MISSING_EVENT, event, detail)
        draft.edges.add(Edge(event, delivery.id, delivery.evidence))
        for sent in delivery.emitted:
            emitted = event_node_id(sent.identity)
            if sent.identity not in draft.rows:
                draft.unseen.setdefault(emitted, "")
                detail = f"{delivery.consumer} says it published an event that was not seen"
                draft.note(Kind.MISSING_EVENT, emitted, detail)
            draft.edges.add(Edge(delivery.id, emitted, sent.evidence))
