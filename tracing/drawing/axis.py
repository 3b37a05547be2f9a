"""Pure: where a moment lies across the timeline, long silences folded."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from kit import formats

FOLD_ABOVE = 3.0  # times everything shorter than it: then a silence is folded
FOLD_LEAST_S = 5.0
FOLD_WIDTH = 4.0  # per cent of the axis for one folded silence
FOLDED_AT_MOST = 40.0  # per cent of the axis for all of them
TAIL = 17.0  # per cent behind a silence that lasts until now, for words
TICKS = 5  # about so many
TICK_ROOM = 9.0  # per cent that a tick's words need
STEPS_S = (
    *(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 4, 5, 10, 15, 20, 30),
    *(60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400),
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the axis with one scale; `width` and `x` in per cent."""

    start: datetime
    end: datetime
    x: float
    width: float
    folded: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """A label on the axis; `line` where a grid line belongs to it."""

    x: float
    text: str
    anchor: str
    line: bool


@dataclass(frozen=True)
class Axis:
    """The time axis: stretches from the left to the right."""

    stretches: tuple[Stretch, ...]
    ticks: tuple[Tick, ...]

    @classmethod
    def over(cls, busy: Iterable[tuple[datetime, datetime]], *, fold: bool) -> "Axis":
        """An axis over everything that happened; `busy` is each thing's start and end."""
        spans = _merged(busy)
        gaps = [(a[1], b[0]) for a, b in pairwise(spans)]
        folded = _folded(spans, gaps) if fold else set()
        edges = sorted({spans[0][0], spans[-1][1], *(edge for gap in folded for edge in gap)})
        parts = list(pairwise(edges))
        stretches = _placed(parts or [(edges[0], edges[0])], folded)
        return cls(stretches, _ticks(stretches))

    def x(self, moment: datetime) -> float:
        """Where this moment lies, in per cent; before and after the axis at its ends."""
        if moment >= self.stretches[-1].end and self.stretches[-1].folded:
            return 100.0
        for part in self.stretches:
            if moment <= part.end:
                whole = (part.end - part.start) / timedelta(seconds=1)
                passed = max(0.0, (moment - part.start) / timedelta(seconds=1))
                return round(part.x + part.width * (passed / whole if whole else 0.0), 2)
        return 100.0

    @property
    def folds(self) -> list[Stretch]:
        """The folded silences."""
        return [part for part in self.stretches if part.folded]


def _merged(busy: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    spans: list[tuple[datetime, datetime]] = []
    for start, end in sorted(busy):
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end))
        else:
            spans.append((start, max(start, end)))
    return spans


def _folded(
    spans: list[tuple[datetime, datetime]], gaps: list[tuple[datetime, datetime]]
) -> set[tuple[datetime, datetime]]:
    """Silences much longer than everything that is shorter than they are, together."""
    shown = sum((end - start).total_seconds() for start, end in spans)
    ordered = sorted(gaps, key=lambda gap: (gap[1] - gap[0], gap[0]))
    for number, (start, end) in enumerate(ordered):
        length = (end - start).total_seconds()
        if length > FOLD_LEAST_S and length > FOLD_ABOVE * shown:
            return set(ordered[number:])
        shown += length
    return set()


def _placed(
    parts: list[tuple[datetime, datetime]], folded: set[tuple[datetime, datetime]]
) -> tuple[Stretch, ...]:
    narrow = min(FOLD_WIDTH, FOLDED_AT_MOST / len(folded)) if folded else 0.0
    tail = TAIL if parts[-1] in folded else 0.0
    room = 100.0 - tail - narrow * len(folded)
    shown = sum((b - a).total_seconds() for a, b in parts if (a, b) not in folded)
    open_parts = sum(1 for part in parts if part not in folded)
    stretches, x = [], 0.0
    for start, end in parts:
        fold = (start, end) in folded
        length = (end - start).total_seconds()
        width = narrow if fold else room * (length / shown if shown else 1 / open_parts)
        stretches.append(Stretch(start, end, x, width, fold))
        x += width
    return tuple(stretches)


def _ticks(stretches: tuple[Stretch, ...]) -> tuple[Tick, ...]:
    """Round offsets from the start; behind a fold, how much later it is."""
    origin = stretches[0].start
    shown = sum((s.end - s.start).total_seconds() for s in stretches if not s.folded)
    step = next((one for one in STEPS_S if one * TICKS >= shown), STEPS_S[-1])
    ticks: list[Tick] = []
    for number, part in enumerate(stretches):
        if part.folded:
            continue
        begin = (part.start - origin).total_seconds()
        length = (part.end - part.start).total_seconds()
        if number:
            _add(ticks, Tick(part.x, f"+{formats.age(begin)}", "start", line=False))
        for count in range(int(length / step) + 1 if step else 1):
            if number and count == 0:
                continue
            x = part.x + (part.width * count * step / length if length else 0.0)
            words = _offset(count * step, step)
            _add(ticks, Tick(round(x, 2), words, "middle" if x else "start", line=True))
    last = stretches[-1]
    if last.folded:
        text = f"+{formats.age((last.end - origin).total_seconds() // 60 * 60)}, now"
        ticks = [tick for tick in ticks if tick.x <= 100 - TAIL - TICK_ROOM / 2]
        ticks.append(Tick(100.0, text, "end", line=False))
    return tuple(ticks)


def _add(ticks: list[Tick], tick: Tick) -> None:
    """Where two would overlap, the one that says how much later it is stays."""
    while ticks and tick.x - ticks[-1].x < TICK_ROOM:
        if tick.text.startswith("+") and not ticks[-1].text.startswith("+") and ticks[-1].x > 0:
            ticks.pop()
        else:
            return
    if tick.x <= 100 - TICK_ROOM / 2:
        ticks.append(tick)


def _offset(seconds: float, step: float) -> str:
    if step >= 1:
        return formats.age(seconds)
    if step >= 0.1:
        return f"{seconds:.1f}{formats.NBSP}s"
    return f"{seconds * 1000:.0f}{formats.NBSP}ms"
