"""What the last samples say: how the age of the oldest message moves, what comes and goes. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

WINDOW = timedelta(seconds=60)
LEAST_S = 10.0  # a rate needs samples over this long


@dataclass(frozen=True)
class Point:
    """One sample; None is unknown, `oldest_s` 0 is "nothing waits"."""

    at: datetime
    oldest_s: float | None
    arrived: int | None = None
    handled: int | None = None


@dataclass(frozen=True)
class Trend:
    """How the age moved over the window; all 0 when fewer than two samples know it."""

    steps: int  # pairs of neighbouring samples
    ups: int  # of these, those in which it grew
    change_s: float  # last less first
    span_s: float


def trend(points: Sequence[Point]) -> Trend:
    """The trend of the age over the last minute."""
    known = [(p.at, p.oldest_s) for p in _window(points) if p.oldest_s is not None]
    if len(known) < 2:
        return Trend(0, 0, 0.0, 0.0)
    ups = sum(1 for i in range(1, len(known)) if known[i][1] > known[i - 1][1])
    return Trend(
        steps=len(known) - 1,
        ups=ups,
        change_s=known[-1][1] - known[0][1],
        span_s=(known[-1][0] - known[0][0]).total_seconds(),
    )


def rates(points: Sequence[Point]) -> tuple[float | None, float | None]:
    """Messages a minute that came and that were handled, over the last minute."""
    window = _window(points)
    come = per_minute([(p.at, p.arrived) for p in window])
    go = per_minute([(p.at, p.handled) for p in window])
    return come, go


def per_minute(counts: Sequence[tuple[datetime, int | None]]) -> float | None:
    """The rate of a counter since it was last not known; None when that is too short."""
    run: list[tuple[datetime, int]] = []
    for at, number in counts:
        if number is None:
            run = []
        else:
            run.append((at, number))
    if len(run) < 2:
        return None
    span = (run[-1][0] - run[0][0]).total_seconds()
    if span < LEAST_S:
        return None
    return max(0.0, (run[-1][1] - run[0][1]) * 60 / span)


def _window(points: Sequence[Point]) -> Sequence[Point]:
    since = points[-1].at - WINDOW - timedelta(seconds=2)  # the samples' own jitter
    return [point for point in points if point.at >= since]
