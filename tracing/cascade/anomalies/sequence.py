"""Pure: the numbers that a source gives its events (CloudEvents' `sequence`).

The extension orders texts within a source; only where all of a source's are numbers can it be told
that one is missing. A source counts across flows: what another flow has is not missing.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from itertools import pairwise

import msgspec

from tracing.cascade.kinds import Kind
from tracing.cascade.model import Anomaly, EventNode, event_node_id
from tracing.rows import EventRow

MISSING = 200  # numbers of one source: with more of them the source counts other things, too
DIGITS = 18
SHOWN = 5


class Gap(msgspec.Struct, frozen=True, gc=False):
    """Two events of one source, one after the other, and the numbers between them."""

    first: EventRow
    second: EventRow
    missing: tuple[str, ...]


def sequence_gaps(
    events: Iterable[EventNode], elsewhere: Collection[tuple[str, str]]
) -> Iterator[Anomaly]:
    """`elsewhere`: source and number of events that other flows have."""
    rows = (node.row for node in events if node.row is not None and not node.outside)
    for gap in gaps(rows):
        source = gap.second.source
        left = [number for number in gap.missing if (source, number) not in elsewhere]
        if left:
            more = ", …" if len(left) > SHOWN else ""
            detail = (
                f"between {gap.first.type} ({gap.first.sequence}) and {gap.second.type}"
                f" ({gap.second.sequence}) was not seen: {', '.join(left[:SHOWN])}{more}"
            )
            yield Anomaly(Kind.SEQUENCE_GAP, event_node_id(gap.second.identity), detail)


def gaps(rows: Iterable[EventRow]) -> Iterator[Gap]:
    """Where the numbers of a source do not follow each other, at most MISSING of each source."""
    sources: dict[str, dict[str, EventRow]] = defaultdict(dict)
    for row in rows:
        if row.sequence:
            known = sources[row.source].get(row.sequence)
            if known is None or row.identity < known.identity:
                sources[row.source][row.sequence] = row
    for numbers in sources.values():
        if all(map(is_number, numbers)):
            found = list(_between(sorted(numbers.values(), key=lambda row: int(row.sequence))))
            if sum(len(gap.missing) for gap in found) <= MISSING:
                yield from found


def is_number(text: str) -> bool:
    """Whether a sequence counts."""
    return text.isascii() and text.isdigit() and len(text) <= DIGITS


def _between(rows: list[EventRow]) -> Iterator[Gap]:
    for first, second in pairwise(rows):
        start, stop = int(first.sequence) + 1, int(second.sequence)
        width = len(first.sequence) if first.sequence.startswith("0") else 0
        numbers = range(start, min(stop, start + MISSING + 1))
        if numbers:
            yield Gap(first, second, tuple(str(number).zfill(width) for number in numbers))
