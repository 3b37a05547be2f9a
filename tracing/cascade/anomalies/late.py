"""Pure: what was published too late to be where it stands. By the times of publishing alone: when
it came in here says nothing (promise 10)."""

from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from datetime import timedelta

from kit import formats
from tracing.cascade.anomalies.shape import Ahead, reach
from tracing.cascade.kinds import Kind
from tracing.cascade.model import Anomaly, Edge, EventNode

AFTER_THE_END = timedelta(seconds=60)
AFTER_ITS_EFFECT = timedelta(seconds=1)  # less are two clocks that disagree


def late(
    events: Sequence[EventNode],
    edges: Iterable[Edge],
    ahead: Ahead,
    circle: Set[str],
    terminal: Collection[str],
) -> Iterator[Anomaly]:
    """Events long after the flow's end that do not follow from it, and causes after effects."""
    yield from _after_the_end(events, ahead, terminal)
    yield from _after_their_effects(events, edges, circle)


def _after_the_end(
    events: Sequence[EventNode], ahead: Ahead, terminal: Collection[str]
) -> Iterator[Anomaly]:
    own = [node for node in events if node.seen and not node.outside]
    ends = [node for node in own if node.name in terminal]
    if not ends:
        return
    end = min(ends, key=lambda node: (node.at, node.id))
    after = [node for node in own if node.at > end.at + AFTER_THE_END]
    follows = reach([end.id], ahead) if after else set()
    for node in after:
        if node.id not in follows:
            later = formats.duration((node.at - end.at).total_seconds())
            detail = f"{node.name} was published {later} after the end, {end.name}"
            yield Anomaly(Kind.LATE, node.id, detail)


def _after_their_effects(
    events: Sequence[EventNode], edges: Iterable[Edge], circle: Set[str]
) -> Iterator[Anomaly]:
    nodes = {node.id: node for node in events if node.seen}
    first: dict[str, EventNode] = {}  # of each cause, its first effect
    for edge in edges:
        effect = nodes.get(edge.target)
        cause = nodes.get(edge.origin)
        if effect is None or cause is None or cause.at - effect.at < AFTER_ITS_EFFECT:
            continue
        if not {*edge.ends} <= circle:
            known = first.get(edge.origin)
            if known is None or (effect.at, effect.id) < (known.at, known.id):
                first[edge.origin] = effect
    for name, effect in first.items():
        cause = nodes[name]
        later = formats.duration((cause.at - effect.at).total_seconds())
        detail = f"{cause.name} was published {later} after {effect.name}, its effect"
        yield Anomaly(Kind.LATE, cause.id, detail)
