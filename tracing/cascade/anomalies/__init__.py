"""Pure: what a person should know about a cascade, found on the finished graph.

Causes that are unknown or ambiguous are told by `build`, which ties them; all else is found here.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from tracing.cascade.anomalies.copies import of_event
from tracing.cascade.anomalies.handling import is_plain, of_delivery
from tracing.cascade.anomalies.late import late
from tracing.cascade.anomalies.order import out_of_order
from tracing.cascade.anomalies.sequence import sequence_gaps
from tracing.cascade.anomalies.shape import cycles, on_cycles, orphans, self_causes
from tracing.cascade.kinds import RANK, Kind
from tracing.cascade.model import Anomaly, Delivery, Edge, EventNode
from tracing.cascade.outline import moment

__all__ = ["anomalies", "in_order"]


def anomalies(
    events: Sequence[EventNode],
    deliveries: Sequence[Delivery],
    edges: Sequence[Edge],
    *,
    terminal: Collection[str],
    elsewhere: Collection[tuple[str, str]],
) -> set[Anomaly]:
    """All that the graph itself tells; the arguments are those of `build`."""
    found: set[Anomaly] = set()
    names = {node.id: node.name for node in events}
    replayed: set[str] = set()
    for delivery in deliveries:
        if not is_plain(delivery):
            said = list(of_delivery(delivery, names[delivery.event]))
            found.update(said)
            if any(one.kind is Kind.REPLAYED for one in said):
                replayed.add(delivery.event)
    for event in events:
        if event.row is not None and len(event.appearances) > 1:
            found.update(of_event(event, event.row, told=event.id in replayed))
    ahead: dict[str, list[str]] = defaultdict(list)
    for edge in edges:
        ahead[edge.origin].append(edge.target)
    core = on_cycles(ahead)
    names |= {one.id: one.consumer for one in deliveries}
    found.update(self_causes(edges, names))
    found.update(cycles(core, names))
    found.update(orphans(events, edges, ahead))
    found.update(late(events, edges, ahead, core, terminal))
    found.update(out_of_order(events, deliveries))
    found.update(sequence_gaps(events, elsewhere))
    return found


def in_order(
    found: Iterable[Anomaly], nodes: Mapping[str, EventNode | Delivery]
) -> tuple[Anomaly, ...]:
    """The worst kind first, each by time. What an orphan lacks is said once, as that it is one."""
    every = set(found)
    lost = {one.node for one in every if one.kind is Kind.ORPHAN}
    told = [one for one in every if one.kind is not Kind.MISSING_CAUSE or one.node not in lost]
    keyed = [(RANK[one.kind], moment(nodes[one.node]), one.node, one.detail, one) for one in told]
    return tuple(one for *_, one in sorted(keyed, key=lambda key: key[:4]))
