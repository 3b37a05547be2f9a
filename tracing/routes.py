"""The ways that events go, as learned: who publishes what to which topic, and who handles it.

The summariser teaches while it recomputes flows. Rows are distinct ways with the time each was
last gone, not counters: so learning the same flow again changes nothing.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple

from tracing.models import Event, Route
from tracing.rows import EventRow, ReceiptRow

ROUTES = 2_000  # ways that are kept, the last gone; a system has dozens
FRESH = timedelta(seconds=30)  # a way gone this shortly after the stored time is not written again
SOURCE_MAX = 255  # characters of a source that are kept
WINDOW = timedelta(minutes=5)  # that rates are taken over
RECENT = 1_000  # events that rates are taken from, the newest


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
    emitters = {identity: row.consumer for row in told for identity in row.published}
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


def learn(events: Iterable[EventRow], receipts: Iterable[ReceiptRow]) -> None:
    """Keep the ways these events went, within the caller's transaction."""
    found = {_key(way): (way, at) for way, at in ways(events, receipts).items()}
    there = dict(_stored(found))
    rows = [
        Route(key=key, last_at=at, **way._asdict())
        for key, (way, at) in sorted(found.items())
        if key not in there or at - there[key] > FRESH
    ]
    if not rows:
        return
    Route.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["key"], update_fields=["last_at"]
    )
    if len(there) < len(found):
        _forget_oldest()


def known(since: datetime) -> list[tuple[Way, datetime]]:
    """The ways gone since then, and when each was last gone."""
    found = Route.objects.filter(last_at__gte=since).order_by("-last_at")
    rows = found.values_list(*Way._fields, "last_at")[:ROUTES]
    return [(Way(*row[:-1]), row[-1]) for row in rows]


def rates(now: datetime) -> Rates:
    """What is published a minute, of the newest events; costs the same in any store."""
    found = Event.objects.order_by("-id").values_list(
        "broker", "topic", "source", "type", "published_at"
    )
    rows = list(found[:RECENT])
    begin = max(now - WINDOW, min((row[-1] for row in rows), default=now))
    fresh = [row for row in rows if row[-1] >= begin]
    if not fresh:
        return Rates({}, None)
    minutes = max((now - begin) / timedelta(minutes=1), 1 / 60)
    counts = Counter((row[0], row[1], row[2][:SOURCE_MAX], row[3]) for row in fresh)
    cut = len(rows) == RECENT and len(fresh) == RECENT
    return Rates({key: n / minutes for key, n in counts.items()}, None if cut else 0.0)


def _key(way: Way) -> bytes:
    return blake2b("\0".join(way).encode(errors="surrogatepass"), digest_size=16).digest()


def _stored(keys: Iterable[bytes]) -> list[tuple[bytes, datetime]]:
    rows = Route.objects.filter(key__in=sorted(keys)).values_list("key", "last_at")
    return [(bytes(key), at) for key, at in rows]


def _forget_oldest() -> None:
    beyond = Route.objects.order_by("-last_at", "-id").values_list("pk", flat=True)[ROUTES:]
    forgotten = list(beyond[:ROUTES])
    if forgotten:
        Route.objects.filter(pk__in=forgotten).delete()
