"""Pure: the ways that events go, out of the rows of events and receipts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from tracing.rows import EventRow, ReceiptRow

SOURCE_MAX = 255  # characters of a source that are kept


class Way(NamedTuple):
    """Events of a type on a topic: published under `source` (by `consumer`, where its receipt
    says so), or with an empty source: handled by `consumer`."""

    broker: str
    topic: str
    type: str
    source: str
    consumer: str


@dataclass(frozen=True, slots=True)
class Rates:
    """Events a minute by (broker, topic, source, type); `rest` is that of all others."""

    per_minute: dict[tuple[str, str, str, str], float]
    rest: float | None  # 0, or None where more came than were looked at

    def of(self, way: Way) -> float | None:
        """What was published this way a minute; None is unknown."""
        return self.per_minute.get((way.broker, way.topic, way.source, way.type), self.rest)


def ways(events: Iterable[EventRow], receipts: Iterable[ReceiptRow]) -> dict[Way, datetime]:
    """The ways these events went, and when each was last gone; the same in any order."""
    told = [row for row in receipts if row.origin != "letter"]
    emitters: dict[bytes, str] = {}
    for row in told:
        for identity in row.published:
            emitters[identity] = min(row.consumer, emitters.get(identity, row.consumer))
    found: dict[Way, datetime] = {}
    by_identity: dict[bytes, EventRow] = {}
    for event in events:
        by_identity[event.identity] = event
        source, consumer = event.source[:SOURCE_MAX], emitters.get(event.identity, "")
        way = Way(event.broker, event.topic, event.type, source, consumer)
        found[way] = max(found.get(way, event.published_at), event.published_at)
    for row in told:
        handled = by_identity.get(row.identity)
        if handled is not None:
            way = Way(handled.broker, handled.topic, handled.type, "", row.consumer)
            found[way] = max(found.get(way, row.seen_at), row.seen_at)
    return found
