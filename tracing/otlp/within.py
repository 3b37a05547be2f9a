"""What ran within a handling: the spans below its process span, up to the next handling."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from tracing.otlp.model import Place

KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")  # OTLP's SpanKind


class LightSpan(NamedTuple):
    """A span as context: what ran, where, for how long. Times are aware, in UTC."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: int
    service: str
    started_at: datetime
    duration_ms: float
    failed: bool
    handles: bool  # it is a handling itself, so what is below it belongs there

    @property
    def kind_name(self) -> str:
        """`client`."""
        return KINDS[self.kind] if self.kind < len(KINDS) else KINDS[0]


class Inside(NamedTuple):
    """Spans with their depth, in the order of their start within their parent; how many more."""

    lines: tuple[tuple[int, LightSpan], ...]
    more: int


class Traces:
    """The spans of some traces by what they ran in."""

    def __init__(self, spans: Iterable[LightSpan]) -> None:
        self._below: dict[Place, list[LightSpan]] = defaultdict(list)
        for span in sorted(set(spans), key=lambda span: (span.started_at, span.span_id)):
            self._below[span.trace_id, span.parent_id].append(span)

    def within(self, root: Place, most: int) -> Inside:
        """What ran within this span; the first `most` of it."""
        lines: list[tuple[int, LightSpan]] = []
        found = 0
        seen = {root}
        left = [(0, span) for span in reversed(self._below.get(root, ()))]
        while left:
            depth, span = left.pop()
            place = (span.trace_id, span.span_id)
            if span.handles or place in seen:
                continue
            seen.add(place)
            found += 1
            if len(lines) < most:
                lines.append((depth, span))
            left += [(depth + 1, below) for below in reversed(self._below.get(place, ()))]
        return Inside(tuple(lines), found - len(lines))
