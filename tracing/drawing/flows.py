"""Pure: several flows on one time axis, each a row: how long it took, and its events."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tracing.drawing.axis import Axis

HEAD, ROW = 26, 32  # pixels
LEAST = 0.6  # per cent: the width of what took no time
FILLS = {"failed": "bad", "running": "run", "mended": "ok", "complete": "work"}


class Span(Protocol):
    """What is known of a flow."""

    @property
    def status(self) -> str: ...
    @property
    def started_at(self) -> datetime: ...
    @property
    def last_at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Bar:
    """A row: its bar and the events on it, in per cent; its words stand below from `text_x`."""

    top: int
    x: float
    width: float
    fill: str
    dots: tuple[float, ...]
    text_x: float
    anchor: str


@dataclass(frozen=True, slots=True)
class FlowLines:
    """The drawing of some flows."""

    axis: Axis
    bars: tuple[Bar, ...]
    height: int


def draw_flows(
    flows: Sequence[tuple[str, Span]], events: Iterable[tuple[str, datetime]]
) -> FlowLines:
    """These flows (ID, what is known) from top to bottom; `events`: the flow of each, and when."""
    axis = Axis.over([(one.started_at, one.last_at) for _, one in flows], fold=True)
    dots: dict[str, set[float]] = defaultdict(set)
    for flow_id, at in events:
        dots[flow_id].add(axis.x(at))
    bars = [
        _bar(axis, number, one, tuple(sorted(dots[flow_id])))
        for number, (flow_id, one) in enumerate(flows)
    ]
    return FlowLines(axis, tuple(bars), HEAD + ROW * len(bars))


def _bar(axis: Axis, number: int, flow: Span, dots: tuple[float, ...]) -> Bar:
    x, end = axis.x(flow.started_at), axis.x(flow.last_at)
    width = max(LEAST, end - x)
    x = min(x, 100 - width)
    late = x > 50  # the words below a bar run to where there is room
    return Bar(
        top=HEAD + ROW * number,
        x=round(x, 2),
        width=round(width, 2),
        fill=FILLS.get(flow.status, "idle"),
        dots=dots,
        text_x=round(x + width if late else x, 2),
        anchor="end" if late else "start",
    )
