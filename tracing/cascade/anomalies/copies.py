"""Pure: one event seen in several places: duplicates, what was sent again, by us or by others."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise

from kit import formats
from tracing.cascade.kinds import Kind
from tracing.cascade.model import Anomaly, EventNode
from tracing.rows import HTTP_BROKER, SPAN_BROKER, AppearanceRow, EventRow

RESENT_AFTER = timedelta(seconds=10)  # sooner it is a publish that was tried again
PLACES_SHOWN = 3


def of_event(event: EventNode, row: EventRow, *, told: bool) -> Iterator[Anomaly]:
    """What its appearances tell; `told` when a delivery says already that it was replayed.

    A span tells of the same appearance as the broker, without the body.
    """
    own = [one for one in event.appearances if one.original]
    yield from _published_again(event, _places(own))
    yield from _bodies(event, row, own)
    yield from _ours(event, row, told=told)


def _places(own: Sequence[AppearanceRow]) -> Sequence[AppearanceRow]:
    """Where it was published: what was posted to us as well is not one more place."""
    return [one for one in own if one.broker != HTTP_BROKER] or own


def _published_again(event: EventNode, places: Sequence[AppearanceRow]) -> Iterator[Anomaly]:
    where = ", ".join(f"{one.stream} {one.position}" for one in places[:PLACES_SHOWN])
    pauses = [_pause(one, other) for one, other in pairwise(places)]
    if any(pause < RESENT_AFTER for pause in pauses):
        detail = f"{event.name} was published {len(places)} times: {where}"
        yield Anomaly(Kind.DUPLICATE, event.id, detail)
    longest = max(pauses, default=timedelta())
    if longest >= RESENT_AFTER:
        later = formats.duration(longest.total_seconds())
        detail = f"{event.name} was published again by its producer {later} later: {where}"
        yield Anomaly(Kind.RESENT, event.id, detail)


def _pause(one: AppearanceRow, other: AppearanceRow) -> timedelta:
    """What lies between; nothing where a broker does not say when."""
    if one.broker_time is None or other.broker_time is None:
        return timedelta()
    return other.broker_time - one.broker_time


def _bodies(event: EventNode, row: EventRow, own: Sequence[AppearanceRow]) -> Iterator[Anomaly]:
    bodies = {one.body_hash for one in own}
    if own and row.broker != SPAN_BROKER:
        bodies.add(row.body_hash)
    if len(bodies) > 1:
        detail = f"{event.name} was seen with {len(bodies)} different bodies"
        yield Anomaly(Kind.DIFFERING_BODY, event.id, detail)


def _ours(event: EventNode, row: EventRow, *, told: bool) -> Iterator[Anomaly]:
    """Our own replays and edits bear their attempt."""
    replays = [one for one in event.appearances if one.replay_attempt]
    if replays and not told:
        detail = f"{event.name} was replayed {formats.times(len(replays))}"
        yield Anomaly(Kind.REPLAYED, event.id, detail)
    edited = sum(one.body_hash != row.body_hash for one in replays)
    if edited and row.broker != SPAN_BROKER:
        detail = f"{event.name} was replayed {formats.times(edited)} with an edited body"
        yield Anomaly(Kind.EDITED, event.id, detail)
