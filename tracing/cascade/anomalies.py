"""Pure: what a person should know about a cascade, found on the finished graph."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from tracing.cascade.model import Anomaly, Delivery, Edge, EventNode
from tracing.rows import SPAN_BROKER

CLOCK_WORTH_SAYING_S = 0.001


def anomalies(
    events: Sequence[EventNode], deliveries: Sequence[Delivery], edges: Iterable[Edge]
) -> set[Anomaly]:
    """Duplicates, differing bodies, cycles, clocks that disagree, what was handled twice."""
    found: set[Anomaly] = set()
    for event in events:
        found |= _of_event(event)
    for delivery in deliveries:
        found |= _of_delivery(delivery)
    names = {node.id: node.name for node in events} | {d.id: d.consumer for d in deliveries}
    for node in _on_cycles(edges):
        found.add(Anomaly("cycle", node, f"{names.get(node, node)} is among its own causes"))
    return found


def _of_event(event: EventNode) -> set[Anomaly]:
    """Our own replays and edits are no anomaly: they bear their attempt.

    A span tells of the same appearance as the broker, without the body.
    """
    found: set[Anomaly] = set()
    own = [appearance for appearance in event.appearances if appearance.original]
    if len(own) > 1:
        places = ", ".join(f"{a.stream} {a.position}" for a in own[:3])
        found.add(Anomaly("duplicate", event.id, f"{event.name} was published again: {places}"))
    bodies = {appearance.body_hash for appearance in own}
    if event.row is not None and own and event.row.broker != SPAN_BROKER:
        bodies.add(event.row.body_hash)
    if len(bodies) > 1:
        detail = f"{event.name} was seen with {len(bodies)} different bodies"
        found.add(Anomaly("body_differs", event.id, detail))
    return found


def _of_delivery(delivery: Delivery) -> set[Anomaly]:
    found: set[Anomaly] = set()
    if delivery.shift_s >= CLOCK_WORTH_SAYING_S:
        detail = (
            f"{delivery.consumer} says it began {delivery.shift_s * 1000:,.0f} ms before the send;"
            " it is shown at the send"
        )
        found.add(Anomaly("clock", delivery.id, detail))
    succeeded = sum(1 for attempt in delivery.attempts if attempt.outcome == "succeeded")
    if succeeded > 1:
        detail = f"{delivery.consumer} succeeded {succeeded} times"
        found.add(Anomaly("handled_twice", delivery.id, detail))
    return found


def _on_cycles(edges: Iterable[Edge]) -> set[str]:
    """What stays when nodes without a cause, then nodes without an effect, are taken away."""
    pairs = {(edge.origin, edge.target) for edge in edges}
    for forward in (True, False):
        pairs = _peeled(pairs, forward=forward)
    return {node for pair in pairs for node in pair}


def _peeled(pairs: set[tuple[str, str]], *, forward: bool) -> set[tuple[str, str]]:
    ahead: dict[str, list[str]] = defaultdict(list)
    degree: dict[str, int] = defaultdict(int)
    for origin, target in pairs:
        first, second = (origin, target) if forward else (target, origin)
        ahead[first].append(second)
        degree[second] += 1
        degree.setdefault(first, 0)
    free = [node for node, count in degree.items() if count == 0]
    gone: set[str] = set()
    while free:
        node = free.pop()
        gone.add(node)
        for other in ahead.get(node, ()):
            degree[other] -= 1
            if degree[other] == 0:
                free.append(other)
    return {pair for pair in pairs if gone.isdisjoint(pair)}
