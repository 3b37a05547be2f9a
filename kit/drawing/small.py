"""The small drawings inside tables and cards: sparkline, bar trend, share bar."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 112.0  # units of the viewBox of `.spark`
HEIGHT = 28.0
_TOP = 3.0  # above the highest value
_FLOOR = 0.5  # below the lowest: the ground line
_BAR_TOP = 6.0
_BAR_GAP = 0.27  # of a slot
_LEAST_BAR = 1.5  # so that one death is seen beside a thousand


@dataclass(frozen=True)
class Bar:
    """One bar of a trend, in units of the viewBox; `empty` stands for nothing in that slot."""

    x: float
    y: float
    width: float
    height: float
    empty: bool


@dataclass(frozen=True)
class Share:
    """One part of a share bar: `x` and `width` in per cent of the whole."""

    name: str
    value: float
    x: float
    width: float


def sparkline(values: Sequence[float | None], top: float | None = None) -> list[str]:
    """The polylines of a series: one string of points a run of known values, gaps between.

    The ground is 0; `top` is the value at the upper edge (default: the highest).
    """
    known = [value for value in values if value is not None]
    highest = max([top or 0.0, *known]) or 1.0
    step = WIDTH / max(1, len(values) - 1)
    rise = HEIGHT - _TOP - _FLOOR
    runs: list[list[str]] = [[]]
    for at, value in enumerate(values):
        if value is None:
            runs.append([])
            continue
        y = HEIGHT - _FLOOR - rise * (value / highest)
        runs[-1].append(f"{_short(at * step)},{_short(y)}")
    return [" ".join(run if len(run) > 1 else run * 2) for run in runs if run]


def trend(values: Sequence[int]) -> list[Bar]:
    """The bars of counts in equal slots of time, oldest first; an empty slot is a low pale bar."""
    if not values:
        return []
    slot = WIDTH / len(values)
    highest = max(values) or 1
    width = slot * (1 - _BAR_GAP)
    bars = []
    for at, value in enumerate(values):
        height = max(_LEAST_BAR, (HEIGHT - _BAR_TOP) * value / highest) if value else 1.0
        x = at * slot + (slot - width) / 2
        bars.append(
            Bar(_round(x), _round(HEIGHT - height), _round(width), _round(height), not value)
        )
    return bars


def shares(parts: Sequence[tuple[str, float]], least: float = 0.4) -> list[Share]:
    """The parts of a whole side by side, in per cent; a part above 0 gets at least `least` of it.

    The parts always fill exactly 100 per cent; without any value there are no parts.
    """
    shown = [(name, value) for name, value in parts if value > 0]
    whole = sum(value for _, value in shown)
    if not whole:
        return []
    raised = [max(least, 100 * value / whole) for _, value in shown]
    scale = 100 / sum(raised)
    result, x = [], 0.0
    for (name, value), width in zip(shown, raised, strict=True):
        result.append(Share(name, value, _round(x), _round(width * scale)))
        x += width * scale
    return result


def _round(number: float) -> float:
    return round(number, 2)


def _short(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")
