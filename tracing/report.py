"""A cascade as the document of the API and the command line (DESIGN, contract).

Structs that msgspec writes as they are, times in RFC 3339: dictionaries of 10,000 nodes take
longer to make than all else, and wake the garbage collector.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache

import msgspec

from kit.clock import rfc3339
from kit.redaction import mask_text
from tracing.cascade import (
    MEANINGS,
    Attempt,
    Cascade,
    Delivery,
    DeliveryState,
    Edge,
    EventNode,
    Evidence,
    Kind,
    SegmentKind,
)
from tracing.models import Flow
from tracing.span_context import Ran

Mask = Callable[[str], str]


class MissingOut(msgspec.Struct, gc=False):
    """An event that was named but never seen."""

    id: str
    name: str
    kind: str = "missing"


class EventOut(msgspec.Struct, gc=False):
    """An event; `appearances` counts the places where it was seen."""

    id: str
    type: str
    event_id: str
    source: str
    correlation_id: str
    topic: str
    at: datetime
    outside: bool
    appearances: int
    kind: str = "event"


class AttemptOut(msgspec.Struct, gc=False):
    """One try; `raw_started_at` by its process's own clock."""

    number: int
    outcome: str
    started_at: datetime
    raw_started_at: datetime
    duration_ms: float | None
    retry_in_ms: float | None
    error_type: str
    error_message: str
    process: str
    release: str
    replay_attempt: str
    told_by: str


class SpanOut(msgspec.Struct, gc=False):
    """What ran within an attempt, the `attempt`th; `depth` below the process span."""

    attempt: int
    depth: int
    trace_id: str
    span_id: str
    parent_id: str
    name: str
    service: str
    kind: str
    started_at: datetime
    duration_ms: float
    failed: bool


class DeliveryOut(msgspec.Struct, gc=False):
    """One consumer's handling of one event; `raw_…` by its process's own clock."""

    id: str
    consumer: str
    state: DeliveryState
    started_at: datetime
    ended_at: datetime | None
    raw_started_at: datetime
    raw_ended_at: datetime | None
    shift_ms: float
    evidence: Evidence
    letter: int | None
    attempts: tuple[AttemptOut, ...]
    kind: str = "delivery"
    spans: tuple[SpanOut, ...] | msgspec.UnsetType = msgspec.UNSET  # only where asked for
    more_spans: int | msgspec.UnsetType = msgspec.UNSET


class AnomalyOut(msgspec.Struct, gc=False):
    """Something odd, at a node."""

    kind: Kind
    title: str
    severity: str
    node: str
    detail: str


class SegmentOut(msgspec.Struct, gc=False):
    """A stretch of the critical path, and which part of it that is."""

    node: str
    kind: SegmentKind
    started_at: datetime
    duration_ms: float
    share: float


class ShareOut(msgspec.Struct, gc=False):
    """What one kind of segment took of the critical path."""

    kind: SegmentKind
    duration_ms: float
    share: float


class AliasOut(msgspec.Struct, gc=False):
    """Another name of the flow, and why it is one."""

    id: str
    evidence: str


class Document(msgspec.Struct):
    """The whole cascade; the flow's own times as in the list of flows."""

    correlation_id: str
    status: str
    reason: str
    keys: Sequence[str]
    aliases: Sequence[AliasOut]
    started_at: str
    ended_at: str | None
    truncated_before: str | None
    pinned_at: str | None
    nodes: Sequence[MissingOut | EventOut | DeliveryOut]
    edges: Sequence[Edge]
    anomalies: Sequence[AnomalyOut]
    critical_path: Sequence[SegmentOut]
    critical_path_shares: Sequence[ShareOut]


def document(
    flow: Flow,
    keys: Sequence[str],
    cascade: Cascade,
    aliases: Sequence[tuple[str, str]] = (),
    ran: Mapping[str, Sequence[Ran]] | None = None,
) -> bytes:
    """The whole cascade as JSON; error texts are masked. `aliases`: ID and evidence.

    With `ran` (span_context.ran_within) deliveries bear the spans that ran within them.
    """
    mask = cache(mask_text)  # most of 10,000 nodes say the same
    whole = sum(segment.seconds for segment in cascade.critical_path)
    answer = Document(
        correlation_id=flow.flow_id,
        status=flow.status,
        reason=mask_text(flow.reason),
        keys=keys,
        aliases=[AliasOut(*alias) for alias in aliases],
        started_at=rfc3339(flow.started_at),
        ended_at=_time(flow.ended_at),
        truncated_before=_time(flow.truncated_before),
        pinned_at=_time(flow.pinned_at),
        nodes=[
            *[_event(node, mask) for node in cascade.events],
            *[_delivery(node, mask, ran) for node in cascade.deliveries],
        ],
        edges=cascade.edges,
        anomalies=[
            AnomalyOut(one.kind, *MEANINGS[one.kind][:2], one.node, one.detail)
            for one in cascade.anomalies
        ],
        critical_path=[
            SegmentOut(s.node, s.kind, s.started_at, _ms(s.seconds), round(s.seconds / whole, 4))
            for s in cascade.critical_path
        ],
        critical_path_shares=[
            ShareOut(one.kind, _ms(one.seconds), round(one.share, 4)) for one in cascade.shares
        ],
    )
    return msgspec.json.encode(answer)


def _event(node: EventNode, mask: Mask) -> EventOut | MissingOut:
    row = node.row
    if row is None:
        return MissingOut(node.id, node.name)
    return EventOut(
        id=node.id,
        type=row.type,
        event_id=row.event_id,
        source=mask(row.source),
        correlation_id=row.flow_id,
        topic=row.topic,
        at=node.at,
        outside=node.outside,
        appearances=len(node.appearances),
    )


def _delivery(node: Delivery, mask: Mask, ran: Mapping[str, Sequence[Ran]] | None) -> DeliveryOut:
    found = () if ran is None else ran.get(node.id, ())
    return DeliveryOut(
        id=node.id,
        consumer=node.consumer,
        state=node.state,
        started_at=node.started_at,
        ended_at=node.ended_at,
        raw_started_at=node.raw_started_at,
        raw_ended_at=node.raw_ended_at,
        shift_ms=_ms(node.shift_s),
        evidence=node.evidence,
        letter=node.letter_id,
        attempts=tuple([_attempt(one, mask) for one in node.attempts]),
        spans=msgspec.UNSET if ran is None else tuple(_spans(found, mask)),
        more_spans=msgspec.UNSET if ran is None else sum(one.more for one in found),
    )


def _attempt(attempt: Attempt, mask: Mask) -> AttemptOut:
    took, again = attempt.took_s, attempt.retry_in_s
    return AttemptOut(
        number=attempt.number,
        outcome=attempt.outcome,
        started_at=attempt.started_at,
        raw_started_at=attempt.raw_started_at,
        duration_ms=None if took is None else _ms(took),
        retry_in_ms=None if again is None else _ms(again),
        error_type=attempt.error_type,
        error_message=mask(attempt.error_message),
        process=attempt.process,
        release=attempt.release,
        replay_attempt=attempt.replay_attempt,
        told_by=attempt.told_by,
    )


def _spans(found: Iterable[Ran], mask: Mask) -> Iterator[SpanOut]:
    for one in found:
        for depth, span in one.lines:
            yield SpanOut(
                attempt=one.attempt,
                depth=depth,
                trace_id=span.trace_id,
                span_id=span.span_id,
                parent_id=span.parent_id,
                name=mask(span.name),
                service=span.service,
                kind=span.kind_name,
                started_at=span.started_at,
                duration_ms=round(span.duration_ms, 3),
                failed=span.failed,
            )


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
