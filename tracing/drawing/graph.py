"""Pure: the graph of a cascade in pixels, with its words."""

from dataclasses import dataclass

from kit import formats
from kit.marks import mark
from tracing.cascade import Cascade, Delivery, DeliveryState, EventNode, Evidence
from tracing.cascade.graph import Link, Spot, graph
from tracing.drawing.drawn import Drawn

NODE, HIGH = 166, 42  # pixels of a node
GAP, LANE = 34, 20  # between columns, between rows
EDGE = 12  # around everything
ARROW = 6
CORNER = 8
SHIFT = 4  # pixels between lines that run in one lane


@dataclass(frozen=True, slots=True, kw_only=True)
class Node(Drawn):
    """A node of the drawing; x and y of its upper left corner."""

    x: int
    y: int
    cut: bool

    @property
    def words(self) -> str:
        """What stands below the name."""
        if isinstance(self.node, EventNode):
            return formats.trace_time(self.node.at) if self.node.seen else "not seen"
        word = mark(self.node.state).word
        if self.node.tries > 1:
            return f"{word}, {formats.plural(self.node.tries, 'attempt')}"
        took = self.node.last_took_s
        return word if took is None else f"{word}, {formats.duration(took)}"


@dataclass(frozen=True, slots=True)
class Line:
    """A line from node to node; `kind` is critical, joins or plain."""

    path: str
    arrow: str
    kind: str
    inferred: bool


@dataclass(frozen=True, slots=True)
class GraphDrawing:
    """The nodes and lines of one window."""

    nodes: tuple[Node, ...]
    lines: tuple[Line, ...]
    width: int
    height: int


def draw_graph(cascade: Cascade, *, first: int = 0, nodes: int = 300) -> GraphDrawing:
    """The graph of `nodes` nodes from row `first` of the outline on."""
    found = graph(cascade, first, nodes)
    critical = _critical(cascade)
    lines = [_line(link, number, critical) for number, link in enumerate(found.links)]
    return GraphDrawing(
        nodes=tuple(
            Node(
                node=spot.node,
                x=_x(spot),
                y=_y(spot),
                cut=spot.cut,
                fan_in=_causes(cascade, spot.node) > 1,
                odd=cascade.odd.get(spot.node.id, ""),
            )
            for spot in found.spots
        ),
        lines=tuple(
            sorted(lines, key=lambda line: ("plain", "joins", "critical").index(line.kind))
        ),
        width=2 * EDGE + found.columns * (NODE + GAP) - GAP,
        height=2 * EDGE + found.rows * (HIGH + LANE),
    )


def _x(spot: Spot) -> int:
    return EDGE + spot.column * (NODE + GAP)


def _y(spot: Spot) -> int:
    return EDGE + spot.row * (HIGH + LANE)


def _causes(cascade: Cascade, node: EventNode | Delivery) -> int:
    """How many events an event names as its causes."""
    if isinstance(node, Delivery):
        return 0
    return sum(isinstance(cascade.nodes[edge.origin], EventNode) for edge in cascade.into[node.id])


def _critical(cascade: Cascade) -> set[str]:
    """The nodes of the critical path: its deliveries, what they handled, and how it ended."""
    nodes = {segment.node for segment in cascade.critical_path}
    on = set(nodes)
    for name in nodes:
        node = cascade.nodes[name]
        if isinstance(node, Delivery):
            on.add(cascade.event_of(node).id)
    ends = [cascade.nodes[edge.target] for name in nodes for edge in cascade.out_of[name]]
    return on | {node.id for node in ends if _ends(cascade, node)}


def _ends(cascade: Cascade, node: EventNode | Delivery) -> bool:
    if isinstance(node, Delivery):
        return node.state is DeliveryState.FAILED and node.id in cascade.nodes
    return node.name in cascade.terminal


def _line(link: Link, number: int, critical: set[str]) -> Line:
    x1, y1 = _x(link.origin) + NODE, _y(link.origin) + HIGH // 2
    x2, y2 = _x(link.target), _y(link.target) + HIGH // 2
    inferred = link.evidence is Evidence.INFERRED
    on = link.origin.node.id in critical and link.target.node.id in critical
    if not link.joins and x2 > x1:
        path = _branch(x1, y1, x2 - ARROW, y2)
        return Line(path, _arrow(x2, y2), "critical" if on else "plain", inferred)
    y2 += CORNER
    lane = y1 + HIGH // 2 + LANE // 2 + (number % 3 - 1) * SHIFT
    path = _around(x1 - NODE // 2, lane, x2, y2)
    return Line(path, _arrow(x2, y2), "joins", inferred)


def _branch(x1: int, y1: int, x2: int, y2: int) -> str:
    """To another row at once, then straight on: that row is the branch's own."""
    if y1 == y2:
        return f"M{x1} {y1}H{x2}"
    middle, end = x1 + GAP // 2, x1 + GAP - ARROW
    return f"M{x1} {y1}C{middle} {y1} {middle} {y2} {end} {y2}H{x2}"


def _around(x1: int, lane: int, x2: int, y2: int) -> str:
    """Out at the bottom, along below the row, and in at the left side of the target."""
    turn = x2 - GAP // 2
    ahead = CORNER if turn > x1 else -CORNER
    down = CORNER if y2 > lane else -CORNER
    start = f"M{x1} {lane - LANE // 2}V{lane - CORNER}q0 {CORNER} {ahead} {CORNER}"
    along = f"H{turn - ahead}q{ahead} 0 {ahead} {down}V{y2 - down}"
    return f"{start}{along}q0 {down} {CORNER} {down}H{x2 - ARROW}"


def _arrow(x: int, y: int) -> str:
    return f"M{x - ARROW - 1} {y - 4}l7 4l-7 4z"
