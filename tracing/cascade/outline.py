"""Pure: the order in which a cascade is read: a tree, each node under what led to it first."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from tracing.cascade.model import Delivery, Edge, EventNode, Line

Node = EventNode | Delivery


def moment(node: Node) -> datetime:
    """When a node begins."""
    return node.at if isinstance(node, EventNode) else node.started_at


def parents(edges: Iterable[Edge]) -> dict[str, list[str]]:
    """What led to each node."""
    answer: dict[str, list[str]] = defaultdict(list)
    for edge in edges:
        answer[edge.target].append(edge.origin)
    return answer


def outline(
    events: Sequence[EventNode], deliveries: Sequence[Delivery], led: Mapping[str, Sequence[str]]
) -> tuple[Line, ...]:
    """Depth first, children by time; every node once, also when causes go in a circle."""
    every: list[Node] = [*events, *deliveries]
    nodes = {node.id: node for node in every}
    order = sorted(nodes.values(), key=lambda node: (moment(node), node.id))
    children: dict[str, list[Node]] = defaultdict(list)
    roots: list[Node] = []
    for node in order:
        parent = _parent(node, led.get(node.id, []), nodes)
        (children[parent] if parent else roots).append(node)
    lines: list[Line] = []
    placed: set[str] = set()
    for node in (*roots, *order):  # what is left after the roots is in a circle
        if node.id not in placed:
            _place(node, children, lines, placed)
    return tuple(lines)


def _parent(node: Node, led: Iterable[str], nodes: dict[str, Node]) -> str | None:
    """The delivery that emitted it, else the latest of its causes (which completed them)."""
    known = [nodes[name] for name in led if name in nodes and name != node.id]
    if not known:
        return None
    best = max(known, key=lambda one: (isinstance(one, Delivery), moment(one), one.id))
    return best.id


def _place(
    root: Node, children: dict[str, list[Node]], lines: list[Line], placed: set[str]
) -> None:
    waiting: list[tuple[Node, int, int | None]] = [(root, 0, None)]
    while waiting:
        node, depth, parent = waiting.pop()
        if node.id in placed:
            continue
        placed.add(node.id)
        lines.append(Line(node, depth, parent))
        here = len(lines) - 1
        waiting.extend((child, depth + 1, here) for child in reversed(children[node.id]))
