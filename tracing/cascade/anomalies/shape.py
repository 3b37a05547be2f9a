"""Pure: what is odd about the shape of the graph: circles, and what hangs in the air."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

from tracing.cascade.kinds import Kind
from tracing.cascade.model import UNSEEN, Anomaly, Edge, EventNode

Ahead = Mapping[str, Sequence[str]]  # node -> what it led to


def self_causes(edges: Iterable[Edge], names: Mapping[str, str]) -> Iterator[Anomaly]:
    """Events that name themselves."""
    for edge in edges:
        if edge.origin == edge.target:
            detail = f"{names[edge.target]} names itself as its cause"
            yield Anomaly(Kind.SELF_CAUSE, edge.target, detail)


def cycles(core: Iterable[str], names: Mapping[str, str]) -> Iterator[Anomaly]:
    """What is among its own causes."""
    for node in core:
        yield Anomaly(Kind.CYCLE, node, f"{names[node]} is among its own causes")


def on_cycles(ahead: Ahead) -> set[str]:
    """What stays when nodes without a cause, then nodes without an effect, are taken away.

    A node that is only its own cause is on no circle.
    """
    left = _peeled(ahead)
    if not left:
        return left
    back: dict[str, list[str]] = {}
    for origin in left:
        for target in ahead.get(origin, ()):
            if target in left:
                back.setdefault(target, []).append(origin)
    return _peeled(back)


def _peeled(ahead: Ahead) -> set[str]:
    """The nodes that lie on a circle or behind one."""
    degree: dict[str, int] = {}
    for origin, targets in ahead.items():
        for target in targets:
            if target != origin:
                degree[target] = degree.get(target, 0) + 1
    free = [node for node in ahead if node not in degree]
    while free:
        node = free.pop()
        for target in ahead.get(node, ()):
            if target != node:
                degree[target] -= 1
                if degree[target] == 0:
                    del degree[target]
                    free.append(target)
    return set(degree)


def orphans(events: Sequence[EventNode], edges: Iterable[Edge], ahead: Ahead) -> Iterator[Anomaly]:
    """The first seen events of each branch that no beginning that was seen leads to."""
    unseen = [node for node in events if not node.seen]
    if not unseen:
        return
    caused = {edge.target for edge in edges if edge.origin != edge.target}
    reached = reach((node.id for node in events if node.seen and node.id not in caused), ahead)
    seen = {node.id: node for node in events if node.seen}
    told: set[str] = set()
    for root in unseen:
        if root.id in caused:
            continue
        for name in sorted(reach([root.id], ahead, until=seen.keys()) & seen.keys()):
            if name not in reached and name not in told:
                told.add(name)
                lost = root.name if root.name == UNSEEN else f"{root.name}, which was not seen"
                detail = f"{seen[name].name} leads back only to {lost}"
                yield Anomaly(Kind.ORPHAN, name, detail)


def reach(start: Iterable[str], ahead: Ahead, *, until: Set[str] = frozenset()) -> set[str]:
    """What these nodes led to, and they themselves; no further than `until`."""
    waiting = deque(start)
    found = set(waiting)
    while waiting:
        node = waiting.popleft()
        if node in until:
            continue
        for target in ahead.get(node, ()):
            if target not in found:
                found.add(target)
                waiting.append(target)
    return found
