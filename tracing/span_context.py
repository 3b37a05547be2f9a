"""Spans as context inside deliveries: what ran while a message was handled.

An attempt that a span tells of lies where that span does: its position is the trace and the span.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.db.models import Case, Value, When

from tracing.cascade import Attempt, Delivery
from tracing.models import Span
from tracing.otlp.model import Place
from tracing.otlp.within import LightSpan, Traces

PER_TRACE = 2_000  # spans of one trace that are read: of a longer one not all may be shown
TRACES = 50  # traces that are read for one answer
TOLD_BY_SPANS = ("span", "link", "parent_span")
FIELDS = LightSpan._fields  # the last is annotated
_PLACE = re.compile(r"(?:^| )([0-9a-f]{32})-([0-9a-f]{16})(?:-\d+)?$")


class Ran(NamedTuple):
    """What ran within a delivery's attempt, the `attempt`th; `more` spans are not in `lines`."""

    attempt: int
    lines: tuple[tuple[int, LightSpan], ...]
    more: int


def place_of(attempt: Attempt) -> Place | None:
    """The process span that an attempt is, where a span told of it."""
    found = _PLACE.search(attempt.place) if attempt.told_by in TOLD_BY_SPANS else None
    return (found[1], found[2]) if found else None


def ran_within(deliveries: Sequence[Delivery], most: int) -> dict[str, list[Ran]]:
    """By delivery what ran within its attempts, at most so many spans each; one query a trace.

    Of more than TRACES traces the first are read; deliveries of the others are not in the answer.
    """
    places = {
        (one.id, number): place
        for one in deliveries
        for number, attempt in enumerate(one.attempts)
        if (place := place_of(attempt)) is not None
    }
    traces = list(dict.fromkeys(trace for trace, _ in places.values()))[:TRACES]
    known = Traces(span for trace in traces for span in _spans_of(trace))
    answer: dict[str, list[Ran]] = {}
    for one in deliveries:
        left = most
        for number in range(len(one.attempts)):
            place = places.get((one.id, number))
            if place is None or place[0] not in traces:
                continue
            inside = known.within(place, left)
            left -= len(inside.lines)
            if inside.lines or inside.more:
                answer.setdefault(one.id, []).append(Ran(number + 1, *inside))
    return answer


def _spans_of(trace_id: str) -> Iterable[LightSpan]:
    handles = Case(When(reading__startswith='{"role":"handled"', then=Value(1)), default=Value(0))
    found = Span.objects.filter(trace_id=trace_id).annotate(handles=handles)
    rows = found.order_by("span_id").values_list(*FIELDS)[:PER_TRACE]
    return [LightSpan(*row) for row in rows]
