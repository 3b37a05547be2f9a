"""Which letter a death belongs to, asked of the rows in a few statements for many deaths."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import Q

from dlq.arrivals import Arrival
from dlq.models import Death, Item, Letter

Place = tuple[str, str, str]  # broker, stream, position


def known_copies(found: Sequence[Arrival]) -> dict[Place, Death]:
    """The copies among these that were taken in before."""
    places = _by_stream(arrival.copy for arrival in found)
    condition = Q()
    for (broker, stream), positions in places.items():
        condition |= Q(broker=broker, stream=stream, position__in=positions)
    if not condition:
        return {}
    return {(d.broker, d.stream, d.position): d for d in Death.objects.filter(condition)}


def letters_of(fresh: Sequence[Arrival]) -> dict[Place, int]:
    """Copy -> the letter it belongs to, for those whose letter is known."""
    by_attempt = _by_attempt({a.attempt for a in fresh if a.attempt})
    by_original = _by_original(fresh)
    by_key = dict(
        Letter.objects.filter(identity_key__in={a.key for a in fresh}).values_list(
            "identity_key", "pk"
        )
    )
    answer: dict[Place, int] = {}
    for arrival in fresh:
        letter = (
            by_attempt.get((arrival.attempt, arrival.consumer))
            or by_original.get((*arrival.original, arrival.consumer))
            or by_key.get(arrival.key)
        )
        if letter is not None:
            answer[arrival.copy] = letter
    return answer


def repended(letter_ids: Iterable[int]) -> dict[tuple[int, str, str], list[tuple[datetime, str]]]:
    """Replays that made an original entry pending again: (letter, stream, position) -> when the
    batch began and the attempt. Such an entry bears no stamp, so time tells a new death.
    """
    answer: dict[tuple[int, str, str], list[tuple[datetime, str]]] = defaultdict(list)
    found = (
        Item.objects.filter(letter_id__in=set(letter_ids), target="repend")
        .exclude(attempt="")
        .exclude(replay__started_at=None)
        .order_by("pk")
        .values_list("letter_id", "sent_stream", "sent_position", "replay__started_at", "attempt")
    )
    for letter_id, stream, position, started_at, attempt in found:
        if started_at is not None:
            answer[letter_id, stream, position].append((started_at, attempt))
    return answer


def _by_attempt(attempts: set[str]) -> dict[tuple[str, str], int]:
    found = Item.objects.filter(attempt__in=attempts).exclude(attempt="")
    return {
        (attempt, consumer): letter_id
        for attempt, consumer, letter_id in found.values_list(
            "attempt", "letter__consumer", "letter_id"
        )
    }


def _by_original(fresh: Sequence[Arrival]) -> dict[tuple[str, str, str, str], int]:
    """(broker, stream, position, consumer) -> letter, by known deaths and by our own sends."""
    places = _by_stream(a.original for a in fresh if a.position)
    died, sent = Q(), Q()
    for (broker, stream), positions in places.items():
        died |= Q(broker=broker, original_stream=stream, original_position__in=positions)
        sent |= Q(letter__broker=broker, sent_stream=stream, sent_position__in=positions)
    if not died:
        return {}
    answer: dict[tuple[str, str, str, str], int] = {}
    returned = Item.objects.filter(sent).exclude(sent_position="")
    for *place, letter_id in returned.values_list(
        "letter__broker", "sent_stream", "sent_position", "letter__consumer", "letter_id"
    ):
        answer[place[0], place[1], place[2], place[3]] = letter_id
    for *place, letter_id in Death.objects.filter(died).values_list(
        "broker", "original_stream", "original_position", "letter__consumer", "letter_id"
    ):
        answer[place[0], place[1], place[2], place[3]] = letter_id
    return answer


def _by_stream(places: Iterable[Place]) -> dict[tuple[str, str], list[str]]:
    answer: dict[tuple[str, str], list[str]] = defaultdict(list)
    for broker, stream, position in places:
        answer[broker, stream].append(position)
    return answer
