"""Pure: the critical path, and what its time went into.

Walked backwards from the end: an event back to the delivery that emitted it last, a delivery
back to its event, so that waiting in the queue belongs to the path and no consumer is moved.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from tracing.cascade.model import (
    Attempt,
    Delivery,
    DeliveryState,
    EventNode,
    Segment,
    SegmentKind,
    Share,
)
from tracing.cascade.outline import moment

Node = EventNode | Delivery


def critical_path(
    events: Sequence[EventNode],
    deliveries: Sequence[Delivery],
    led: Mapping[str, Sequence[str]],
    terminal: Sequence[str],
) -> tuple[Segment, ...]:
    """The segments from the root to the end, in order of time."""
    end = _end(events, deliveries, terminal)
    if end is None:
        return ()
    every: list[Node] = [*events, *deliveries]
    nodes = {node.id: node for node in every}
    chain = _chain(end, nodes, led)
    segments: list[Segment] = []
    for index, node in enumerate(chain):
        following = chain[index + 1] if index + 1 < len(chain) else None
        if isinstance(node, Delivery):
            until = following.at if isinstance(following, EventNode) else None
            segments += _of_delivery(node, moment(chain[index - 1]) if index else None, until)
        elif isinstance(following, EventNode):
            segments += _segment(node.id, SegmentKind.GAP, node.at, following.at)
    return tuple(segments)


def shares(path: Sequence[Segment]) -> tuple[Share, ...]:
    """What the time of a path went into, kind by kind."""
    whole = sum(segment.seconds for segment in path)
    took = {kind: sum(s.seconds for s in path if s.kind is kind) for kind in SegmentKind}
    return tuple(Share(kind, s, s / whole) for kind, s in took.items() if s > 0)


def _end(
    events: Sequence[EventNode], deliveries: Sequence[Delivery], terminal: Sequence[str]
) -> Node | None:
    """What gave up first, else the declared end, else what happened last."""
    failed = [d for d in deliveries if d.state in (DeliveryState.FAILED, DeliveryState.REPLAYING)]
    if failed:
        return min(failed, key=lambda d: (d.ended_at or d.started_at, d.id))
    ends = [node for node in events if node.name in terminal and node.seen and not node.outside]
    if ends:
        return min(ends, key=lambda node: (node.at, node.id))
    every: list[Node] = [*events, *deliveries]
    return max(every, key=lambda node: (_finish(node), node.id), default=None)


def _finish(node: Node) -> datetime:
    return node.at if isinstance(node, EventNode) else node.ended_at or node.started_at


def _chain(end: Node, nodes: Mapping[str, Node], led: Mapping[str, Sequence[str]]) -> list[Node]:
    chain: list[Node] = [end]
    seen = {end.id}
    while True:
        before = [nodes[name] for name in led.get(chain[-1].id, ()) if name in nodes]
        ways = [node for node in before if node.id not in seen]
        if not ways:
            return chain[::-1]
        chain.append(max(ways, key=lambda one: (isinstance(one, Delivery), moment(one), one.id)))
        seen.add(chain[-1].id)


def _of_delivery(
    delivery: Delivery, sent_at: datetime | None, until: datetime | None
) -> list[Segment]:
    """Queue wait, then handling and what lay between the tries, up to what it emitted."""
    last = delivery.ended_at or delivery.started_at
    stop = last if until is None else until
    segments: list[Segment] = []
    clock, kind = sent_at or delivery.started_at, SegmentKind.QUEUE
    for attempt in delivery.attempts:
        segments += _segment(delivery.id, kind, clock, min(attempt.started_at, stop))
        begun = max(clock, attempt.started_at)
        ended = attempt.ended_at or (stop if attempt.outcome != "handled" else attempt.started_at)
        segments += _segment(delivery.id, SegmentKind.HANDLING, begun, min(ended, stop))
        clock, kind = max(clock, ended), _pause_after(attempt)
    segments += _segment(delivery.id, _tail(delivery, kind), clock, stop)
    return segments


def _pause_after(attempt: Attempt) -> SegmentKind:
    died = attempt.outcome == "dead_lettered"
    return SegmentKind.DEAD if died else SegmentKind.BACKOFF


def _tail(delivery: Delivery, kind: SegmentKind) -> SegmentKind:
    """After the last try: what it emitted is on its way to the broker."""
    if not delivery.attempts:
        return SegmentKind.QUEUE
    handled = delivery.attempts[-1].outcome == "succeeded"
    return SegmentKind.PUBLISH if handled else kind


def _segment(node: str, kind: SegmentKind, start: datetime, end: datetime) -> list[Segment]:
    seconds = (end - start).total_seconds()
    return [Segment(node, kind, start, seconds)] if seconds > 0 else []
