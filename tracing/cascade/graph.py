"""Pure: a cascade as a layered graph, on a grid of columns and rows.

Columns: every node stands to the right of all that led to it, so that where causes join is seen.
Rows: the outline's tree, the first child beside its parent, each further one on a row of its own;
so a row belongs to one branch alone, and the lines of the tree cross no node.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tracing.cascade.model import Delivery, Edge, EventNode, Evidence, Line
from tracing.cascade.whole import Cascade


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a node stands; `cut` when something that led to it lies before the window."""

    node: EventNode | Delivery
    column: int
    row: int
    cut: bool


@dataclass(frozen=True, slots=True)
class Link:
    """A line between two nodes; `joins` when it is not the one by which the target is placed."""

    origin: Spot
    target: Spot
    evidence: Evidence
    joins: bool


@dataclass(frozen=True, slots=True)
class Graph:
    """The nodes of one window of the outline and what lies between them."""

    spots: tuple[Spot, ...]
    links: tuple[Link, ...]
    columns: int
    rows: int


def graph(cascade: Cascade, first: int = 0, nodes: int = 300) -> Graph:
    """The graph of `nodes` nodes from row `first` of the outline on."""
    lines = cascade.outline[first : first + nodes]
    own = {line.node.id for line in lines}
    edges = [edge for edge in _telling(cascade) if edge.target in own]
    inside = [edge for edge in edges if edge.origin in own]
    cut = {edge.target for edge in edges if edge.origin not in own}
    parents = {line.node.id: _parent(cascade, line, first) for line in lines}
    columns = _columns(lines, inside)
    rows = _rows(lines, parents)
    spots = {
        line.node.id: Spot(
            line.node, columns[line.node.id], rows[line.node.id], line.node.id in cut
        )
        for line in lines
    }
    return Graph(
        spots=tuple(spots.values()),
        links=tuple(
            Link(
                origin=spots[edge.origin],
                target=spots[edge.target],
                evidence=edge.evidence,
                joins=parents[edge.target] != edge.origin,
            )
            for edge in inside
        ),
        columns=max(columns.values(), default=-1) + 1,
        rows=max(rows.values(), default=-1) + 1,
    )


def _telling(cascade: Cascade) -> Iterable[Edge]:
    """The edges that say something: not A to B beside A to a delivery that emitted B."""
    by_delivery: set[tuple[str, str]] = set()
    deliveries = {delivery.id for delivery in cascade.deliveries}
    for edge in cascade.edges:
        if edge.origin in deliveries:
            by_delivery.update(
                (above.origin, edge.target) for above in cascade.into.get(edge.origin, ())
            )
    seen: set[tuple[str, str]] = set()
    for edge in cascade.edges:
        ends = (edge.origin, edge.target)
        if ends not in by_delivery and ends not in seen and edge.origin != edge.target:
            seen.add(ends)
            yield edge


def _parent(cascade: Cascade, line: Line, first: int) -> str | None:
    """What a node hangs under in the outline, where the window shows it."""
    if line.parent is None or line.parent < first:
        return None
    return cascade.outline[line.parent].node.id


def _columns(lines: Sequence[Line], edges: Iterable[Edge]) -> dict[str, int]:
    """The longest way to each node; a circle is entered at the node that is read first."""
    out: dict[str, list[str]] = defaultdict(list)
    missing = dict.fromkeys((line.node.id for line in lines), 0)
    for edge in edges:
        out[edge.origin].append(edge.target)
        missing[edge.target] += 1
    columns = dict.fromkeys(missing, 0)
    ready = deque(node for node, number in missing.items() if number == 0)
    read = iter(missing)
    placed: set[str] = set()
    while len(placed) < len(missing):
        node = ready.popleft() if ready else next(one for one in read if one not in placed)
        if node in placed:
            continue
        placed.add(node)
        for target in out[node]:
            if target not in placed:
                columns[target] = max(columns[target], columns[node] + 1)
                missing[target] -= 1
                if missing[target] == 0:
                    ready.append(target)
    return columns


def _rows(lines: Sequence[Line], parents: dict[str, str | None]) -> dict[str, int]:
    rows: dict[str, int] = {}
    begun: set[str] = set()  # nodes whose first child has taken their row
    free = 0
    for line in lines:
        parent = parents[line.node.id]
        if parent is not None and parent not in begun:
            begun.add(parent)
            rows[line.node.id] = rows[parent]
        else:
            rows[line.node.id] = free
            free += 1
    return rows
