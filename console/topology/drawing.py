"""The map as its template takes it: nodes with their words, lines with their tones."""

from dataclasses import dataclass

from console.topology.faces import NAME, WORDS, Face, face, short, title
from console.topology.gather import System
from console.topology.graph import Kind, Link, Place
from console.topology.layout import Ground, Line, layout
from kit import formats
from kit.marks import mark

CHARACTER = 6.2  # pixels of a character of a label
WIDTHS = ((200, 3.5), (50, 3), (20, 2.25))  # events a minute, pixels of the line
THIN = 1.5
LOUD = ("bad", "warn", "run")  # tones a line takes from how its consumer stands on its topic


@dataclass(frozen=True, slots=True)
class Node:
    """A node on the map."""

    place: Place
    x: float
    y: float
    name: str
    words: str
    about: str  # all of it in words
    face: Face

    @property
    def radius(self) -> int:
        """Topics are round."""
        return 23 if self.place.kind is Kind.TOPIC else 6

    @property
    def pill_width(self) -> int:
        """Pixels of what hangs under it."""
        return round(30 + CHARACTER * len(self.face.pill))


@dataclass(frozen=True, slots=True)
class Edge:
    """A line on the map, with its label's ground."""

    line: Line
    tone: str
    width: float
    label: str

    @property
    def ground(self) -> int:
        """Pixels of the ground below the label."""
        return round(8 + CHARACTER * len(self.label))

    @property
    def half(self) -> float:
        """From the label's middle to the edge of its ground."""
        return self.ground / 2


@dataclass(frozen=True, slots=True)
class Drawing:
    """The whole map."""

    nodes: list[Node]
    edges: list[Edge]
    grounds: tuple[Ground, ...]
    width: int
    height: int
    wide: bool  # it does not fit the usual page


def draw(system: System) -> Drawing:
    """The map of a system."""
    found = layout(system.links, system.alone)
    faces = {place: face(system, place) for place in system.places}
    nodes = [_node(spot.place, spot.x, spot.y, faces[spot.place]) for spot in found.spots]
    edges = [_edge(line) for line in found.lines]
    return Drawing(
        nodes=sorted(nodes, key=lambda node: (node.x, node.y)),
        edges=sorted(edges, key=lambda edge: edge.tone in LOUD),
        grounds=found.grounds,
        width=round(found.width),
        height=round(found.height),
        wide=found.width > 1080,
    )


def _node(place: Place, x: float, y: float, shown: Face) -> Node:
    name = title(place)
    about = f"{place.kind} {place.name}: {shown.words}"
    return Node(place, x, y, short(name, NAME), short(shown.words, WORDS), about, shown)


def _edge(line: Line) -> Edge:
    own = mark(line.link.verdict).tone
    return Edge(
        line=line,
        tone=own if own in LOUD else "2",
        width=_width(line.link),
        label=rate_words(line.link) if line.label else "",
    )


def rate_words(link: Link) -> str:
    """`41/min`; empty when nothing goes there or nobody knows."""
    return f"{formats.rate(link.per_minute)}/min" if link.per_minute else ""


def _width(link: Link) -> float:
    return next((wide for least, wide in WIDTHS if (link.per_minute or 0) >= least), THIN)
