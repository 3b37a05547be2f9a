"""Pure: edges from the causes that events name, and from what deliveries handled and emitted."""

from collections import defaultdict
from collections.abc import Sequence
from hashlib import blake2b

from tracing.cascade.draft import Draft
from tracing.cascade.kinds import Kind
from tracing.cascade.model import Evidence
from tracing.envelope import identity as identity_of
from tracing.rows import SPAN_BROKER, EventRow

SOURCES = 50  # of a flow, tried for who published a cause that was not seen


def link_causes(draft: Draft) -> None:
    """Edges from the causes an event names, inside the flow first; placeholders for unseen.

    An event that only a span tells of has its causes from that span's links.
    """
    inside: dict[str, list[EventRow]] = defaultdict(list)
    beyond: dict[str, list[EventRow]] = defaultdict(list)
    for row in draft.rows.values():
        (inside if draft.is_own(row) else beyond)[row.event_id].append(row)
    unseen = _unseen_identities(draft)
    sources = sorted({row.source for row in draft.rows.values()})[:SOURCES] if unseen else []
    for row in draft.rows.values():
        if not row.causes or not draft.is_own(row):
            continue
        target = draft.node_of(row.identity)
        evidence = Evidence.LINK if row.broker == SPAN_BROKER else Evidence.CAUSATION
        for cause in row.causes:
            found = inside.get(cause) or beyond.get(cause) or []
            origins = [draft.node_of(one.identity) for one in found]
            if len(found) > 1:
                detail = f"{len(found)} events have the ID {cause}, a cause of {row.type}"
                draft.note(Kind.AMBIGUOUS_CAUSE, target, detail)
            if not origins:
                origins = [_placeholder(draft, cause, unseen, sources)]
                detail = f"{cause}, a cause of {row.type}, was not seen"
                draft.note(Kind.MISSING_CAUSE, target, detail)
            for origin in origins:
                draft.tie(origin, target, evidence)


def _unseen_identities(draft: Draft) -> set[bytes]:
    """Identities that receipts speak of, of events that were not seen."""
    named = {delivery.identity for delivery in draft.deliveries}
    named.update(sent.identity for one in draft.deliveries for sent in one.emitted)
    return named - draft.rows.keys()


def _placeholder(draft: Draft, cause: str, unseen: set[bytes], sources: Sequence[str]) -> str:
    """The node of an unseen cause: the same one that receipts speak of, where that is sure."""
    for source in sources:
        identity = identity_of(source, cause)
        if identity in unseen:
            draft.unseen[draft.node_of(identity)] = cause
            return draft.node_of(identity)
    node = f"m-{blake2b(cause.encode(errors='surrogatepass'), digest_size=16).hexdigest()}"
    draft.unseen[node] = cause
    return node


def link_deliveries(draft: Draft) -> None:
    """Edges event -> delivery -> what it emitted."""
    for delivery in draft.deliveries:
        if delivery.identity not in draft.rows:
            draft.unseen.setdefault(delivery.event, "")
            detail = f"{delivery.consumer} handled an event that was not seen"
            draft.note(Kind.MISSING_EVENT, delivery.event, detail)
        draft.tie(delivery.event, delivery.id, delivery.evidence)
        for sent in delivery.emitted:
            emitted = draft.node_of(sent.identity)
            if sent.identity not in draft.rows:
                draft.unseen.setdefault(emitted, "")
                detail = f"{delivery.consumer} says it published an event that was not seen"
                draft.note(Kind.MISSING_EVENT, emitted, detail)
            draft.tie(delivery.id, emitted, sent.evidence)
