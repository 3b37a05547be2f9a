"""Pure: a cascade's timeline, row by row, with what joins the rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from kit import formats
from tracing.cascade import Cascade, DeliveryState, EventNode, Evidence, Line
from tracing.drawing.axis import Axis
from tracing.drawing.drawn import Drawn
from tracing.drawing.rows import delivery_marks, event_marks
from tracing.drawing.shapes import Marks

ROW = 32  # pixels
HEAD = 26
DEEPEST = 5  # indentations that are drawn
LIVE = (
    DeliveryState.RUNNING,
    DeliveryState.RETRYING,
    DeliveryState.FAILED,
    DeliveryState.REPLAYING,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row(Drawn):
    """One row: its node, its words at the left, its marks at the right."""

    depth: int
    indent: int  # 0 for the shallowest row that is shown
    top: int
    marks: Marks
    waited_s: float | None  # in the queue; None for events
    evidence: tuple[Evidence, ...]  # why it hangs where it does

    @property
    def inferred(self) -> bool:
        """Whether nothing but our own guess put it there."""
        return self.evidence == (Evidence.INFERRED,)

    @property
    def middle(self) -> int:
        """The line on which its marks stand."""
        return self.top + ROW // 2

    @property
    def aside(self) -> str:
        """What stands at the right of the name."""
        if isinstance(self.node, EventNode):
            return "joins" if self.fan_in else ""
        return formats.plural(self.node.tries, "attempt") if self.node.tries > 1 else ""


@dataclass(frozen=True, slots=True)
class Joint:
    """A line between rows: down at `x`, and where causes join also across to `to_x`."""

    x: float
    y1: int
    y2: int
    to_x: float | None = None


@dataclass(frozen=True, slots=True)
class Branch:
    """A line of the tree at the left, in pixels."""

    x: int
    y1: int
    y2: int
    inferred: bool


@dataclass(frozen=True, slots=True)
class Timeline:
    """The drawing. `first` and `total` count rows of the whole cascade."""

    rows: tuple[Row, ...]
    axis: Axis
    joints: tuple[Joint, ...]
    branches: tuple[Branch, ...]
    height: int
    first: int
    total: int


def draw(
    cascade: Cascade, now: datetime, *, first: int = 0, rows: int = 60, fold: bool = True
) -> Timeline:
    """The timeline of `rows` rows from row `first` on; the axis spans what these rows show."""
    lines = cascade.outline[first : first + rows]
    axis = Axis.over(_busy(cascade, lines, now), fold=fold)
    causes = _causes(cascade)
    shallowest = min((line.depth for line in lines), default=0)
    drawn = tuple(
        Row(
            node=line.node,
            depth=line.depth,
            indent=min(line.depth - shallowest, DEEPEST),
            top=HEAD + ROW * number,
            marks=_marks(cascade, line, axis, now),
            fan_in=len(causes.get(line.node.id, ())) > 1,
            odd=cascade.odd.get(line.node.id, ""),
            waited_s=_waited(cascade, line),
            evidence=cascade.evidence(line),
        )
        for number, line in enumerate(lines)
    )
    places = {row.node.id: row for row in drawn}
    height = HEAD + ROW * len(drawn)
    joints = [*_down(cascade, lines, places, first), *_fan_in(causes, places, cascade)]
    return Timeline(
        rows=drawn,
        axis=axis,
        joints=tuple(joints),
        branches=tuple(_branches(lines, drawn, first)),
        height=height,
        first=first,
        total=len(cascade.outline),
    )


def _busy(
    cascade: Cascade, lines: Iterable[Line], now: datetime
) -> list[tuple[datetime, datetime]]:
    """What happened, as spans; up to now while somebody works or a dead letter waits."""
    spans: list[tuple[datetime, datetime]] = []
    for line in lines:
        node = line.node
        if isinstance(node, EventNode):
            spans.append((node.at, node.at))
            continue
        spans.append((node.started_at, node.started_at))
        for attempt, lost in node.tried:
            end = attempt.ended_at or (attempt.started_at if lost else now)
            spans.append((attempt.started_at, max(end, attempt.started_at)))
        spans.extend((mark.at, mark.at) for mark in node.marks)
        if node.state in LIVE:
            spans.append((max(now, node.started_at),) * 2)
        sent = cascade.event_of(node)
        if sent.seen:
            spans.append((sent.at, sent.at))
    return spans or [(now, now)]


def _marks(cascade: Cascade, line: Line, axis: Axis, now: datetime) -> Marks:
    node = line.node
    if isinstance(node, EventNode):
        return event_marks(cascade, node, axis)
    return delivery_marks(cascade, node, axis, now)


def _waited(cascade: Cascade, line: Line) -> float | None:
    node = line.node
    if isinstance(node, EventNode) or not cascade.event_of(node).seen or not node.start_known:
        return None
    return (node.started_at - cascade.event_of(node).at).total_seconds()


def _causes(cascade: Cascade) -> dict[str, list[str]]:
    """The events each event names as its causes."""
    answer: dict[str, list[str]] = {}
    for edge in cascade.edges:
        if edge.origin[0] != "d" and edge.target[0] != "d":
            answer.setdefault(edge.target, []).append(edge.origin)
    return answer


def _down(
    cascade: Cascade, lines: Sequence[Line], places: dict[str, Row], first: int
) -> Iterable[Joint]:
    """From each node down to the last of its children."""
    last: dict[str, Row] = {}
    for line in lines:
        if line.parent is not None:
            last[cascade.outline[line.parent].node.id] = places[line.node.id]
    for node_id, child in last.items():
        parent = places.get(node_id)
        if parent is not None:
            x = parent.marks.begin if parent.is_event else child.marks.begin
            yield Joint(x, parent.middle, child.middle)


def _fan_in(
    causes: dict[str, list[str]], places: dict[str, Row], cascade: Cascade
) -> Iterable[Joint]:
    """From every cause but the one it hangs under to the event they led to together."""
    for target, origins in causes.items():
        row = places.get(target)
        if row is None or len(origins) < 2:
            continue
        own = _ancestors(cascade, target)
        for origin in origins:
            cause = places.get(origin)
            if cause is not None and origin not in own:
                yield Joint(cause.marks.begin, cause.middle, row.middle, row.marks.begin)


def _ancestors(cascade: Cascade, node_id: str) -> set[str]:
    """What a node hangs under in the outline: its delivery and that one's event."""
    own = {edge.origin for edge in cascade.into[node_id] if edge.origin.startswith("d-")}
    return own | {edge.origin for one in own for edge in cascade.into[one]}


def _branches(lines: Sequence[Line], drawn: Sequence[Row], first: int) -> Iterable[Branch]:
    for line, row in zip(lines, drawn, strict=True):
        if line.parent is None or row.indent == 0:
            continue
        above = line.parent - first
        top = drawn[above].middle + 9 if above >= 0 else HEAD
        if above < 0 or drawn[above].indent < row.indent:
            yield Branch(12 + 14 * (row.indent - 1), top, row.middle, row.inferred)
