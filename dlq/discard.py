"""Giving letters up for good: off the dead-letter queue, closed with a reason."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from brokers.contract import BrokerError, Placement
from dlq import deaths, sending, states
from dlq.models import Death, Letter
from dlq.plan import Chooser, Chosen
from dlq.refusals import Refused
from dlq.targets import allowed, replayer
from dlq.words import LetterState
from kit import audit, clock, limits
from kit.models import User
from kit.writes import writing
from tracing.receipts import Report, report_all

SLICE = 500
NAMED = 100  # letters named in the audit entry, the rest are counted


@dataclass(slots=True)
class Discarded:
    """What was discarded, and what stayed because it changed meanwhile."""

    letters: list[int] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)
    copies: int = 0  # taken off queues


def discard(
    chosen: Chooser | Sequence[int], reason: str, *, actor: str, user: User | None
) -> Discarded:
    """Discard the dead letters among the chosen. Membership is of now; versions are checked.

    Copies go first, so that no closed letter is left on a queue. Raises Refused: no reason, none
    to discard, too many, a broker that may not be written to or cannot be reached; slices done
    before that stay discarded and are in the audit.
    """
    if not reason.strip():
        raise Refused("Say why", "The reason is kept in the audit.")
    chooser = Chosen(chosen) if isinstance(chosen, Sequence) else chosen
    members = _members(chooser)
    allowed({broker for _, _, broker in members})
    answer = Discarded()
    try:
        for start in range(0, len(members), SLICE):
            _slice(members[start : start + SLICE], answer)
    except BrokerError as error:
        raise Refused(
            "The broker cannot be reached",
            f"{len(answer.letters):,} letters were discarded before: {error}",
        ) from error
    finally:
        if answer.letters:
            _note(chooser, answer, reason.strip(), actor, user)
    return answer


def _members(chooser: Chooser) -> list[tuple[int, int, str]]:
    """(letter, version, broker) of the dead ones."""
    dead = chooser.apply(Letter.objects.order_by()).filter(state=LetterState.DEAD)
    found = list(dead.values_list("pk", "version", "broker")[: limits.REPLAY_MEMBERS + 1])
    if not found:
        raise Refused("No letter to discard", "None of the chosen letters is dead any more.")
    if len(found) > limits.REPLAY_MEMBERS:
        raise Refused("Too many letters", f"At most {limits.REPLAY_MEMBERS:,} in one action.")
    return sorted(found)


def _slice(members: Sequence[tuple[int, int, str]], answer: Discarded) -> None:
    versions = {pk: version for pk, version, _ in members}
    # an earlier slice may have taken a while: copies of a letter in replay are not ours to take
    dead = Letter.objects.filter(pk__in=list(versions), state=LetterState.DEAD)
    same = [pk for pk, now in dead.values_list("pk", "version") if versions[pk] == now]
    removed = _remove_copies(same, answer)
    now = clock.now()
    with writing():
        sending.note_removed(removed, now)
        moved = states.move_letters(same, LetterState.DISCARDED, at=now, versions=versions)
        again = deaths.still_queued(moved)
        states.move_letters(again, LetterState.DEAD, at=now)
        moved = [pk for pk in moved if pk not in again]
        _report(moved, now)
    answer.letters.extend(moved)
    answer.changed.extend(sorted(set(versions) - set(moved)))


def _remove_copies(letters: Sequence[int], answer: Discarded) -> list[int]:
    """Take their copies off the queues; the deaths that these were."""
    copies = Death.objects.filter(letter_id__in=letters, removed_at=None)
    removed: list[int] = []
    places: dict[str, list[Placement]] = defaultdict(list)
    for pk, broker, stream, position in copies.values_list("pk", "broker", "stream", "position"):
        places[broker].append(Placement(stream, position))
        removed.append(pk)
    for broker in sorted(places):
        answer.copies += replayer(broker).remove(places[broker])
    return removed


def _report(letters: Sequence[int], now: datetime) -> None:
    rows = Letter.objects.filter(pk__in=letters).exclude(source="")
    report_all(
        [
            Report(
                event_identity=bytes(identity),
                flow_id=flow_id,
                consumer=consumer,
                outcome="discarded",
                letter_id=pk,
                at=now,
            )
            for pk, identity, flow_id, consumer in rows.values_list(
                "pk", "event_identity", "flow_id", "consumer"
            )
        ]
    )


def _note(chooser: Chooser, answer: Discarded, reason: str, actor: str, user: User | None) -> None:
    count = len(answer.letters)
    is_one = count == 1
    summary = (
        f"Discarded: {Letter.objects.get(pk=answer.letters[0])}"
        if is_one
        else f"Discarded {count:,} letters"
    )
    with writing():
        audit.record(
            actor=actor,
            user=user,
            action="discard",
            target_kind="letter" if is_one else "letters",
            target_id=answer.letters[0] if is_one else count,
            summary=summary,
            reason=reason,
            changes={
                "letters": answer.letters[:NAMED],
                "count": count,
                "copies": answer.copies,
                "filter": chooser.as_query(),
            },
        )
