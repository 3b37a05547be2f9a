"""Outcomes of members, from evidence or by hand: the item, its letter, the cascade's report."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from django.db.models import QuerySet

from brokers.contract import BrokerError, Placement
from dlq import deaths, engine, sending, states
from dlq.among import among
from dlq.models import Death, Item
from dlq.refusals import Refused
from dlq.targets import replayer
from dlq.words import ItemState, LetterState
from kit import audit, clock
from kit.models import User
from kit.redaction import mask_text
from kit.writes import writing
from tracing.receipts import Report, report_all

# What the outcome of a member makes of its letter.
LETTER_AFTER: Mapping[ItemState, LetterState] = {
    ItemState.SUCCEEDED: LetterState.MENDED,
    ItemState.SKIPPED: LetterState.MENDED,  # its consumer had handled it before
    ItemState.HANDLED: LetterState.MENDED,
    ItemState.FAILED_AGAIN: LetterState.DEAD,
    # waits for an operator again, who sees that it was sent; late evidence may still mend it
    ItemState.NO_RECEIPT: LetterState.DEAD,
}


class Flying(NamedTuple):
    """A member in flight with what its outcome needs; many at once, so no model instance."""

    pk: int
    replay_id: int
    letter_id: int
    attempt: str
    target: str
    sent_at: datetime | None
    sent_stream: str
    sent_position: str
    passed_at: datetime | None
    wait_s: int
    broker: str
    consumer: str
    identity: bytes
    flow_id: str
    source: str  # "" for a malformed message: no cascade shows it


FLYING = (
    *("pk", "replay_id", "letter_id", "attempt", "target", "sent_at", "sent_stream"),
    *("sent_position", "passed_at", "replay__receipt_wait_s", "letter__broker"),
    *("letter__consumer", "letter__event_identity", "letter__flow_id", "letter__source"),
)


class Verdict(NamedTuple):
    """What became of one member, and what that rests on."""

    item: Flying
    state: ItemState
    evidence: str


def apply(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Write outcomes in bulk; those that were news. In one transaction of its own."""
    now = clock.now()
    by: dict[ItemState, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        by[verdict.state].append(verdict)
    news: list[Verdict] = []
    with writing():
        for state in sorted(by):
            # an error's text may hold what no page may show
            each = {v.item.pk: {"evidence": mask_text(v.evidence)[:500]} for v in by[state]}
            moved = set(states.move_items(list(each), state, at=now, each=each))
            news.extend(v for v in by[state] if v.item.pk in moved)
        _letters(news, now)
    return news


def _letters(news: Sequence[Verdict], now: datetime) -> None:
    by: dict[LetterState, list[int]] = defaultdict(list)
    for verdict in news:
        by[LETTER_AFTER[verdict.state]].append(verdict.item.letter_id)
    mended = states.move_letters(by[LetterState.MENDED], LetterState.MENDED, at=now)
    # asked once they are locked: a further copy on a queue is left behind by no closed letter
    dying = [*by[LetterState.DEAD], *deaths.still_queued(mended)]
    open_again = states.move_letters(_at_rest(dying), LetterState.DEAD, at=now)
    closed = set(mended).difference(open_again)
    report_all(
        [
            _report(v.item, "mended", now)
            for v in news
            if v.item.letter_id in closed and v.item.source
        ]
    )


def _at_rest(letter_ids: Sequence[int]) -> list[int]:
    """Those of which nothing is in flight now, in this batch or in a later one."""
    in_flight = (ItemState.SENDING, ItemState.SENT, ItemState.MAYBE_SENT)
    flying = among(Item.objects.filter(state__in=in_flight), "letter_id", letter_ids).values_list(
        "letter_id", flat=True
    )
    return sorted(set(letter_ids) - set(flying))


def flying(items: "QuerySet[Item]") -> list[Flying]:
    """These items, as rows."""
    return [Flying(*row) for row in items.values_list(*FLYING)]


def _report(item: Flying, outcome: Literal["mended", "replayed"], at: datetime) -> Report:
    return Report(
        event_identity=bytes(item.identity),
        flow_id=item.flow_id,
        consumer=item.consumer,
        outcome=outcome,
        letter_id=item.letter_id,
        at=at,
        attempt=item.attempt,
    )


def settle_maybe_sent(
    item: Item, sent: bool, *, actor: str, user: User | None, reason: str
) -> Item:
    """A person found out whether it was sent. Sent: its outcome is awaited; else it is dead.

    Raises Refused: not in doubt any more, no reason, or the broker cannot be asked.
    """
    if not reason.strip():
        raise Refused("Say how you know", "The reason is kept in the audit.")
    copies = Death.objects.filter(letter_id=item.letter_id, removed_at=None)
    gone = _gone(item, list(copies))
    now = clock.now()
    with writing():
        to = ItemState.SENT if sent else ItemState.UNSENT
        word = "sent" if sent else "not sent"
        evidence = f"{actor} says it was {word}: {reason.strip()}"[:500]
        if not states.move_items([item.pk], to, at=now, evidence=evidence, lease_until=None):
            raise Refused("Nothing to settle", "The member is not in doubt any more.")
        after = LetterState.REPLAYING if sent else LetterState.DEAD
        states.move_letters([item.letter_id], after, at=now)
        sending.note_removed(gone, now)
        if sent and item.letter.source:
            (row,) = flying(Item.objects.filter(pk=item.pk))
            report_all([_report(row, "replayed", now)])
        audit.record(
            actor=actor,
            user=user,
            action="replay.settle",
            target_kind="letter",
            target_id=item.letter_id,
            summary=f"Settled as {word}: {item.letter}",
            reason=reason.strip(),
            changes={"replay": item.replay_id, "attempt": item.attempt, "sent": sent},
        )
    engine.finish(item.replay_id)
    item.refresh_from_db()
    return item


def _gone(item: Item, copies: Sequence[Death]) -> list[int]:
    """Copies that are off their queue: a replay to come sends what the console kept."""
    places = {Placement(copy.stream, copy.position): copy.pk for copy in copies}
    try:
        queued = replayer(item.letter.broker).present(list(places))
    except BrokerError as error:
        raise Refused("The broker cannot be reached", str(error)) from error
    return [pk for place, pk in places.items() if place not in queued]
