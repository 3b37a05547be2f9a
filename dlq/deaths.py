"""Deaths added to letters: which number, what the newest says, and the counts of the groups."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import Any

from django.db.models import F

from dlq import lifecycle, matching, states
from dlq.among import among
from dlq.arrivals import Arrival
from dlq.matching import Place
from dlq.models import Death, Group, Letter
from dlq.words import OPEN_LETTERS, LetterState
from kit import clock
from tracing import receipts
from tracing.envelope import storable
from tracing.receipts import Report

Mark = tuple[Place, str]  # original place and replay attempt: copies of one death share both
CLOSED = (LetterState.MENDED, LetterState.DISCARDED)


def add(fresh: Sequence[Arrival], of: Mapping[Place, int], groups: Mapping[str, Group]) -> None:
    """Add copies, oldest first, to the letters they belong to; the letters are locked first."""
    ids = sorted(set(of.values()))
    letters = {
        letter.pk: letter
        for letter in Letter.objects.select_for_update()
        .filter(pk__in=ids)
        .defer("payload", "headers", "error_message", "error_stack")
        .order_by("pk")
    }
    numbers = _numbers(ids)
    repended = matching.repended(pk for pk in ids if pk in numbers)
    rows: list[Death] = []
    died: dict[int, list[Arrival]] = defaultdict(list)
    for arrival in fresh:
        letter = of[arrival.copy]
        attempt = arrival.attempt or _repend(arrival, letter, repended)
        known = numbers.setdefault(letter, {})
        mark = (arrival.original, attempt)
        if mark not in known:
            known[mark] = max(known.values(), default=0) + 1
            died[letter].append(replace(arrival, attempt=attempt))
        rows.append(_row(arrival, letter, known[mark], attempt))
    Death.objects.bulk_create(sorted(rows, key=lambda d: (d.broker, d.stream, d.position)))
    first_numbers = {pk for pk, found in died.items() if len(numbers[pk]) == len(found)}
    for pk in sorted(died):
        _die(letters[pk], died[pk], groups, new=pk in first_numbers)
    _count(letters, died, groups, first_numbers)
    # a copy of a known death may come late: a closed letter hides none that lies on a queue
    _reopen(pk for pk in ids if pk not in died)
    # tell the cascades; a malformed message is in none
    receipts.report_all([_report(pk, a) for pk in sorted(died) for a in died[pk] if a.source])


def reopen(copies: Sequence[Death]) -> None:
    """Copies that were taken off their queue lie there again: their letters are open again."""
    if not copies:
        return
    Death.objects.filter(pk__in=[copy.pk for copy in copies]).update(removed_at=None)
    _reopen(copy.letter_id for copy in copies)


def _reopen(letter_ids: Iterable[int]) -> None:
    closed = Letter.objects.filter(pk__in=set(letter_ids), state__in=CLOSED)
    states.move_letters(closed.values_list("pk", flat=True), LetterState.DEAD, at=clock.now())


def still_queued(letter_ids: Sequence[int]) -> set[int]:
    """The letters of which a copy lies on a dead-letter queue, as far as it was taken in.

    Asked before one is closed, once it is locked: a copy that comes later opens it again.
    """
    copies = among(Death.objects.filter(removed_at=None), "letter_id", letter_ids)
    return set(copies.values_list("letter_id", flat=True))


def newest(arrival: Arrival) -> dict[str, Any]:
    """The columns of a letter that say how it died last."""
    columns: dict[str, Any] = {
        "dead_stream": arrival.dead_stream,
        "dead_position": arrival.dead_position,
        "error_type": arrival.error_type,
        "error_message": arrival.error_message,
        "error_stack": arrival.error_stack,
        "reason": arrival.reason,
        "attempts": arrival.marks.attempts,
        "dialect": arrival.marks.dialect,
        "marks": [storable(name) for name in arrival.marks.marks],
        "evidence": storable(arrival.marks.evidence),
        "process": arrival.marks.process[:255],
        "release": arrival.marks.release[:80],
        "died_at": arrival.died_at,
    }
    if arrival.stream:
        columns |= {"stream": arrival.stream, "position": arrival.position}
    return columns


def _numbers(ids: Sequence[int]) -> dict[int, dict[Mark, int]]:
    """The known deaths of each letter: its mark -> its number."""
    answer: dict[int, dict[Mark, int]] = defaultdict(dict)
    for death in Death.objects.filter(letter_id__in=ids):
        original = (
            (death.broker, death.original_stream, death.original_position)
            if death.original_stream
            else (death.broker, death.stream, death.position)
        )
        answer[death.letter_id][original, death.replay_attempt] = death.number
    return dict(answer)


def _repend(
    arrival: Arrival,
    letter: int,
    repended: Mapping[tuple[int, str, str], Sequence[tuple[datetime, str]]],
) -> str:
    """The attempt that made this very entry pending again before it died here, or ""."""
    begun = repended.get((letter, arrival.stream, arrival.position), ())
    return next((a for started, a in reversed(begun) if started <= arrival.landed_at), "")


def _row(arrival: Arrival, letter: int, number: int, attempt: str) -> Death:
    return Death(
        letter_id=letter,
        number=number,
        broker=arrival.broker,
        stream=arrival.dead_stream,
        position=arrival.dead_position,
        original_stream=arrival.stream if arrival.position else "",
        original_position=arrival.position,
        replay_attempt=attempt,
        error_type=arrival.error_type,
        error_message=arrival.error_message,
        attempts=arrival.marks.attempts,
        died_at=arrival.died_at,
    )


def _die(
    letter: Letter, died: Sequence[Arrival], groups: Mapping[str, Group], *, new: bool
) -> None:
    """Write what further deaths change; a letter made just now holds its first already."""
    further = died[1:] if new else died
    if not further:
        return
    last = further[-1]
    columns: dict[str, Any] = {
        "deaths": F("deaths") + len(further),
        "first_died_at": min(letter.first_died_at, further[0].died_at),
        "version": F("version") + 1,
    }
    if last.died_at >= letter.died_at:
        columns |= newest(last) | {"group": groups[last.cause.key]}
    if LetterState(letter.state) in CLOSED:
        columns |= {"state": LetterState.DEAD.value, "settled_at": None}
    Letter.objects.filter(pk=letter.pk).update(**columns)


def _count(
    letters: Mapping[int, Letter],
    died: Mapping[int, Sequence[Arrival]],
    groups: Mapping[str, Group],
    new: set[int],
) -> None:
    """Keep the groups: open letters and money, letters ever, first and last death."""
    changes: list[tuple[int, int, Any, str]] = []
    joined: dict[int, int] = defaultdict(int)
    for pk, arrivals in died.items():
        letter = letters[pk]
        moved = arrivals[-1].died_at >= letter.died_at
        home = groups[arrivals[-1].cause.key].pk if moved else letter.group_id
        if pk not in new and LetterState(letter.state) in OPEN_LETTERS:
            changes.append((letter.group_id, -1, letter.amount, letter.currency))
        changes.append((home, 1, letter.amount, letter.currency))
        if pk in new or home != letter.group_id:
            joined[home] += 1
    states.count_open(changes)
    told: dict[int, list[tuple[datetime, str]]] = {}
    for group in sorted(groups.values(), key=lambda g: g.pk):
        times = [a.died_at for found in died.values() for a in found if _in(a, group)]
        if times:
            _span(group, min(times), max(times), joined[group.pk])
            told[group.pk] = [
                (a.died_at, a.marks.release) for a in chain(*died.values()) if _in(a, group)
            ]
    lifecycle.on_deaths(told)


def _in(arrival: Arrival, group: Group) -> bool:
    return arrival.cause.key == group.fingerprint


def _span(group: Group, first: datetime, last: datetime, joined: int) -> None:
    mine = Group.objects.filter(pk=group.pk)
    mine.update(letters=F("letters") + joined)
    mine.filter(last_at__lt=last).update(last_at=last)
    mine.filter(first_at__gt=first).update(first_at=first)


def _report(letter: int, arrival: Arrival) -> Report:
    return Report(
        event_identity=arrival.identity,
        flow_id=arrival.flow_id,
        consumer=arrival.consumer,
        outcome="dead_lettered",
        letter_id=letter,
        at=arrival.died_at,
        attempt=arrival.attempt,
        error_type=arrival.error_type,
        error_message=arrival.error_message,
        process=arrival.marks.process,
        release=arrival.marks.release,
    )
