"""Pure: where the map's nodes and lines lie; the same for the same links, whatever their rates.

A node stands in the column of its shortest way from a publisher, so that every line to the
right crosses one gap only; what leads back runs below. Each broker has a band of its own.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from console.topology.graph import Kind, Link, Place

WIDTH, NODE, HIGH = 1080, 134, 46  # pixels: of the map, of a node
SLOT = 88  # from node to node in a column: room for the dead letters under a consumer
GAP, GAP_MOST = 50, 110  # between columns
EDGE = 12  # around everything
HEAD = 36  # a band's name
LANE = 16  # between lines that lead back
SWEEPS = 8
LABEL_HIGH = 16
ALONG = (0.5, 0.62, 0.38, 0.74, 0.26)  # where on a line its label may stand


@dataclass(frozen=True, slots=True)
class Spot:
    """The upper left corner of a node."""

    place: Place
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Line:
    """A link's line; its label stands at `label`, None where there is no room."""

    link: Link
    path: str
    arrow: str
    label: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Ground:
    """The band of one broker; "" is what came by no broker."""

    broker: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Map:
    """The drawing, in pixels."""

    spots: tuple[Spot, ...]
    lines: tuple[Line, ...]
    grounds: tuple[Ground, ...]
    width: float
    height: float


def layout(links: Sequence[Link], alone: Iterable[Place] = ()) -> Map:
    """The map of these links; `alone` are places that no link may name."""
    places = sorted({*alone, *(link.origin for link in links), *(link.target for link in links)})
    columns = _columns(places, links)
    bands = _bands(places, links)
    count = max(columns.values(), default=0) + 1
    gap = min(GAP_MOST, max(GAP, (WIDTH - 2 * EDGE - count * NODE) / max(1, count - 1)))
    draft = _Draft()
    for broker in sorted(set(bands.values())):
        own = [place for place in places if bands[place] == broker]
        bottom = draft.top + HEAD
        for place, y in _heights(own, columns, links).items():
            x = EDGE + columns[place] * (NODE + gap)
            draft.spots[place] = Spot(place, round(x, 1), round(draft.top + HEAD + y, 1))
            bottom = max(bottom, draft.top + HEAD + y + SLOT)
        for link in links:
            back = columns[link.target] <= columns[link.origin]
            if back and max(bands[link.origin], bands[link.target]) == broker:
                draft.lanes[link] = bottom
                bottom += LANE
        draft.grounds.append(Ground(broker, draft.top, bottom - draft.top))
        draft.top = bottom + EDGE
    return Map(
        spots=tuple(draft.spots.values()),
        lines=_lines(links, draft.spots, draft.lanes),
        grounds=tuple(draft.grounds),
        width=max(WIDTH, 2 * EDGE + count * NODE + (count - 1) * gap),
        height=draft.top,
    )


@dataclass
class _Draft:
    """The map while its bands are put below each other."""

    spots: dict[Place, Spot] = field(default_factory=dict)
    grounds: list[Ground] = field(default_factory=list)
    lanes: dict[Link, float] = field(default_factory=dict)  # of links that lead back: the height
    top: float = 0.0


def _columns(places: Iterable[Place], links: Iterable[Link]) -> dict[Place, int]:
    """Services first, topics nobody is known to publish to beside those services publish to."""
    following: dict[Place, list[Place]] = defaultdict(list)
    led = set()
    for link in links:
        following[link.origin].append(link.target)
        led.add(link.target)
    rank = {Kind.SERVICE: 0, Kind.TOPIC: 1, Kind.CONSUMER: 2}
    every = sorted(places, key=lambda place: (place in led, rank[place.kind], place))
    columns: dict[Place, int] = {}
    for root in every:  # a circle without a beginning starts at its first topic
        if root in columns and root in led:
            continue
        _reach(root, rank[root.kind], following, columns)
    least = min(columns.values(), default=0)
    return {place: column - least for place, column in columns.items()}


def _reach(
    root: Place, column: int, following: dict[Place, list[Place]], columns: dict[Place, int]
) -> None:
    """Every place within its reach, at the shortest distance known."""
    waiting = deque([(root, column)])
    while waiting:
        place, here = waiting.popleft()
        if columns.get(place, here + 1) <= here:
            continue
        columns[place] = here
        waiting.extend((following_, here + 1) for following_ in following[place])


def _bands(places: Iterable[Place], links: Iterable[Link]) -> dict[Place, str]:
    """The broker each place is drawn with: a service with the first it publishes to."""
    bands = {place: place.broker for place in places if place.kind is not Kind.SERVICE}
    for link in sorted(links, key=lambda link: (link.origin, link.target)):
        bands.setdefault(link.origin, link.target.broker)
    return {place: bands.get(place, "") for place in places}


def _heights(
    places: Sequence[Place], columns: dict[Place, int], links: Iterable[Link]
) -> dict[Place, float]:
    """How far down each place of a band lies: near what it is linked with, in whole slots."""
    own = set(places)
    near: dict[Place, list[Place]] = defaultdict(list)
    for link in links:
        a, b = link.origin, link.target
        if a in own and b in own and columns[b] == columns[a] + 1:
            near[a].append(b)
            near[b].append(a)
    by_column: dict[int, list[Place]] = defaultdict(list)
    for place in places:
        by_column[columns[place]].append(place)
    y = {p: float(SLOT * n) for column in by_column.values() for n, p in enumerate(column)}
    order = sorted(by_column)
    for sweep in range(SWEEPS):
        for column in order if sweep % 2 == 0 else reversed(order):
            _settle(by_column[column], near, y)
    least = min(y.values())
    return {place: y[place] - least for place in places}


def _settle(column: list[Place], near: dict[Place, list[Place]], y: dict[Place, float]) -> None:
    """Put the places of one column where their neighbours are, a slot apart at least."""
    wish = {p: sum(y[n] for n in near[p]) / len(near[p]) if near[p] else y[p] for p in column}
    column.sort(key=lambda place: (wish[place], place))
    for place in column:
        y[place] = wish[place]
    for above, below in pairwise(column):
        y[below] = max(y[below], y[above] + SLOT)
    drift = sum(y[place] - wish[place] for place in column) / len(column)
    for place in column:
        y[place] -= drift


def _lines(
    links: Sequence[Link], spots: dict[Place, Spot], lanes: dict[Link, float]
) -> tuple[Line, ...]:
    lines: list[Line] = []
    taken: list[tuple[float, float]] = []  # where labels stand
    for link in links:
        origin, target = spots[link.origin], spots[link.target]
        ends = (origin.x + NODE, origin.y + HIGH / 2, target.x, target.y + HIGH / 2)
        line = _back(link, *ends, lanes[link]) if link in lanes else _ahead(link, *ends, taken)
        lines.append(line)
        if line.label:
            taken.append(line.label)
    return tuple(lines)


def _ahead(
    link: Link, x1: float, y1: float, x2: float, y2: float, taken: Iterable[tuple[float, float]]
) -> Line:
    middle = (x1 + x2) / 2
    path = f"M{x1:g} {y1:g}C{middle:g} {y1:g} {middle:g} {y2:g} {x2 - 5:g} {y2:g}"
    return Line(link, path, f"M{x2 - 7:g} {y2 - 4:g}l7 4l-7 4z", _free(middle, y1, y2, taken))


def _back(link: Link, x1: float, y1: float, x2: float, y2: float, lane: float) -> Line:
    path = _around(x1, y1, x2 - 5, y2 + 10, lane)
    return Line(link, path, f"M{x2 - 7:g} {y2 + 6:g}l7 4l-7 4z", ((x1 + x2) / 2, lane))


def _around(x1: float, y1: float, x2: float, y2: float, lane: float) -> str:
    """Out to the right, down to the lane, back below everything, and up to the target's side."""
    r = 10
    return (
        f"M{x1:g} {y1:g}q{r} 0 {r} {r}V{lane - r:g}q0 {r} {-r} {r}"
        f"H{x2 - r:g}q{-r} 0 {-r} {-r}V{y2 + r:g}q0 {-r} {r} {-r}H{x2:g}"
    )


def _free(
    x: float, y1: float, y2: float, taken: Iterable[tuple[float, float]]
) -> tuple[float, float] | None:
    """The first place on a line that no other label has; None when there is none."""
    beside = [y for at, y in taken if abs(at - x) < GAP]
    for t in ALONG:
        y = y1 + (y2 - y1) * t * t * (3 - 2 * t)
        if all(abs(y - other) >= LABEL_HIGH for other in beside):
            return (x, round(y, 1))
    return None
