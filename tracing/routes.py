"""The ways that events go, as learned: who publishes what to which topic, and who handles it.

The summariser teaches while it recomputes flows. Rows are distinct ways with the time each was
last gone, not counters: so learning the same flow again changes nothing.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import blake2b

from tracing.models import Event, Route
from tracing.rows import EventRow, ReceiptRow
from tracing.ways import SOURCE_MAX, Rates, Way, ways

ROUTES = 2_000  # ways that are kept, the last gone; a system has dozens
TYPES = 200  # that publishers are asked of
FRESH = timedelta(seconds=30)  # a way gone this shortly after the stored time is not written again
WINDOW = timedelta(minutes=5)  # that rates are taken over
RECENT = 1_000  # events that rates are taken from, the newest


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


def publishers(types: Iterable[str]) -> list[Way]:
    """The ways of these types whose publisher is known; of more than TYPES types, of the first."""
    found = Route.objects.filter(type__in=sorted(set(types))[:TYPES]).exclude(source="")
    rows = found.exclude(consumer="").values_list(*Way._fields)
    return [Way(*row) for row in rows[:ROUTES]]


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
