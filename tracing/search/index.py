"""The index of the words in payloads: kept behind the tap, by whoever summarises.

It goes on from a mark that is committed with the words, a bounded batch at a time. What the tap
writes is not touched: a body is read back once it is stored.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Exists, Max, OuterRef, QuerySet

from brokers.config import current
from kit.limits import MIB
from kit.writes import writing
from tracing.bodies import body_of
from tracing.models import Event, EventWords, WordsMark
from tracing.reading import chunks
from tracing.search.matches import mark_of
from tracing.search.readable import readable
from tracing.search.words import cut, tsvector

BATCH = 500  # events of one transaction
BATCH_BYTES = 4 * MIB  # of their bodies; one event more is always taken
LATE = 20_000  # events before the mark among which late ones are looked for
MARK = 1
FIELDS = ("data", "size", "content_type", "identity", "body_hash")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the index is: up to events that came in at `until`, and how many come after."""

    on: bool
    until: datetime | None
    behind: int


def standing() -> Standing:
    """Two rows are read, whatever the store holds."""
    mark = WordsMark.objects.filter(pk=MARK).first() or WordsMark()
    newest = Event.objects.aggregate(newest=Max("pk"))["newest"] or 0
    return Standing(
        on=current().search.payloads,
        until=mark.received_at,
        behind=max(0, newest - mark.event_id),
    )


def index_batch() -> int:
    """Put the words of the next events into the index; how many events those were."""
    if not current().search.payloads:
        return 0
    mark = WordsMark.objects.filter(pk=MARK).first() or WordsMark(pk=MARK)
    taken = _batch(Event.objects.filter(pk__gt=mark.event_id))
    if not taken:
        return 0
    rows = list(_rows(taken))
    last = Event.objects.filter(pk=taken[-1]).values_list("received_at", flat=True).first()
    with writing():
        WordsMark.objects.get_or_create(pk=MARK)
        mine = WordsMark.objects.filter(pk=MARK, event_id=mark.event_id)
        if not mine.update(event_id=taken[-1], received_at=last):
            return 0  # another process was quicker
        EventWords.objects.bulk_create(rows, ignore_conflicts=True)
    return len(taken)


def index_late() -> int:
    """On PostgreSQL an event may be committed after one with a greater number: those that the
    mark has passed meanwhile; how many events those were.
    """
    if connection.vendor == "sqlite" or not current().search.payloads:
        return 0
    mark = WordsMark.objects.filter(pk=MARK).first()
    if mark is None:
        return 0
    span = Event.objects.filter(pk__gt=mark.event_id - LATE, pk__lte=mark.event_id)
    indexed = EventWords.objects.filter(pk=OuterRef("pk"))
    taken = _batch(span.exclude(Exists(indexed)))
    EventWords.objects.bulk_create(list(_rows(taken)), ignore_conflicts=True)
    return len(taken)


def forget(event_ids: Iterable[int]) -> None:
    """These events are not found by their words any more; within the caller's transaction.

    To be called by whoever deletes events, with their `id`.
    """
    for chunk in chunks(sorted(event_ids)):
        EventWords.objects.filter(pk__in=chunk).delete()


def _batch(events: "QuerySet[Event]") -> Sequence[int]:
    """The numbers of the first of these events: at most BATCH, and BATCH_BYTES of bodies."""
    sizes = events.order_by("pk").values_list("pk", "size")[:BATCH]
    taken: list[int] = []
    room = BATCH_BYTES
    for number, size in sizes:
        if room < 0:
            break
        taken.append(number)
        room -= size
    return taken


def _rows(event_ids: Sequence[int]) -> Iterator[EventWords]:
    """Their words; an event without any has a row too, so that it is known to be done."""
    found = Event.objects.filter(pk__in=event_ids).order_by("pk").only(*FIELDS)
    plain = connection.vendor == "sqlite"
    for event in found:
        words = _words(event)
        text = " ".join(words) if plain else tsvector(words, mark_of(event.pk))
        yield EventWords(event_id=event.pk, words=text)


def _words(event: Event) -> Sequence[str]:
    try:
        return cut(readable(body_of(event), event.content_type))
    except (ValueError, RecursionError):
        log.exception("event %s is in the index without words", event.pk)
        return []
