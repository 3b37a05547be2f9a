"""How the spans of some traces hang together; the same for every order in which they arrive.

What is not known yet only makes an answer shorter: each span more can but lengthen a way back.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tracing.otlp.model import Place, Span

DEPTH = 100  # spans between a sending span and the handling it belongs to
STEPS = 32  # handlings gone back from one event to the first of its flow


@dataclass(frozen=True, slots=True)
class Way:
    """The way back from a sent message: its flow, in how many steps, by which spans."""

    flow_id: str
    steps: int
    spans: frozenset[Place]


def handling_of(span: Span, spans: Mapping[Place, Span]) -> tuple[Span | None, list[Place]]:
    """The handling within which this span ran, and the spans from here to there."""
    passed = [span.place]
    here = spans.get(span.parent)
    while here is not None and here.place not in passed and len(passed) < DEPTH:
        passed.append(here.place)
        if here.reading is not None and here.reading.role == "handled":
            return here, passed
        here = spans.get(here.parent)
    return None, passed


def way_of(sent: Span, spans: Mapping[Place, Span]) -> Way:
    """The flow of a sent message: the conversation, else the trace in which all began.

    A handling leads on to the span that made its message, also into another trace.
    """
    passed: set[Place] = set()
    here, steps = sent, 0
    while True:
        if here.reading is not None and here.reading.conversation:
            return Way(here.reading.conversation, steps + 1, frozenset(passed | {here.place}))
        handling, between = handling_of(here, spans)
        looped = not passed.isdisjoint(between)
        passed.update(between)
        if handling is None or handling.reading is None or looped:
            return Way(here.trace_id, steps, frozenset(passed))
        steps += 1
        if handling.reading.conversation:
            return Way(handling.reading.conversation, steps, frozenset(passed))
        origin = spans.get(handling.origin)
        if origin is None or origin.reading is None or steps >= STEPS:
            return Way(handling.origin[0] or here.trace_id, steps, frozenset(passed))
        here = origin
