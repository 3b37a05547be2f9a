"""Pure: from receipts to deliveries with their attempts."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from tracing.cascade.model import (
    Attempt,
    Delivery,
    DeliveryState,
    Emitted,
    Evidence,
    LetterMark,
    delivery_node_id,
    event_node_id,
)
from tracing.rows import ReceiptRow

NO_TIME = timedelta()
# Of several receipts of one attempt the one that says most settles it.
WEIGHT = {
    "started": 0,
    "handled": 1,
    "retrying": 2,
    "failed": 3,
    "dead_lettered": 4,
    "skipped": 5,
    "succeeded": 6,
}
STATE = {
    "started": DeliveryState.RUNNING,
    "handled": DeliveryState.HANDLED,
    "retrying": DeliveryState.RETRYING,
    "failed": DeliveryState.FAILED,
    "dead_lettered": DeliveryState.FAILED,
    "replayed": DeliveryState.REPLAYING,
    "skipped": DeliveryState.SKIPPED,
    "succeeded": DeliveryState.SUCCEEDED,
    "mended": DeliveryState.MENDED,
    "discarded": DeliveryState.DISCARDED,
}
UNENDED = ("started", "handled")  # of these nobody said the end
OPEN = (DeliveryState.RUNNING, DeliveryState.RETRYING, DeliveryState.REPLAYING)
# Why we believe what each origin tells: of the event that was handled, and of what was emitted.
# A span knows the first by its link or its parent, the second by the spans started within it.
HANDLED = {  # receipts, and spans that name their event: delivery
    "link": Evidence.LINK,
    "parent_span": Evidence.PARENT_SPAN,
    "inferred": Evidence.INFERRED,
}
EMITTED = HANDLED | dict.fromkeys(("span", "link"), Evidence.PARENT_SPAN)
UNSAID = ("letter", "inferred")  # by no consumer; what is inferred counts where none said anything
SUREST = (Evidence.DELIVERY, Evidence.LINK, Evidence.PARENT_SPAN, Evidence.INFERRED)


def deliveries(
    receipts: Iterable[ReceiptRow], published_at: Mapping[bytes, datetime]
) -> list[Delivery]:
    """Every delivery these receipts speak of, ordered by start.

    `published_at` is when each event was sent, for the clock rule; an event that is not in it
    moves nobody.
    """
    groups: dict[tuple[bytes, str], dict[bytes, ReceiptRow]] = defaultdict(dict)
    for row in receipts:
        groups[row.identity, row.consumer][row.receipt_identity] = row
    made = [
        _delivery(identity, consumer, list(rows.values()), published_at.get(identity))
        for (identity, consumer), rows in groups.items()
    ]
    return sorted(made, key=lambda delivery: (delivery.started_at, delivery.id))


def _delivery(
    identity: bytes, consumer: str, rows: list[ReceiptRow], sent_at: datetime | None
) -> Delivery:
    if len(rows) > 1:
        rows.sort(key=lambda row: (row.started_at, row.seen_at, row.receipt_identity))
    tries = [row for row in rows if row.origin not in UNSAID]
    marks: tuple[LetterMark, ...] = ()
    if len(tries) < len(rows):
        marks = _marks(rows)
        tries = tries or [row for row in rows if row.origin == "inferred"]
    shift = _shift(tries, sent_at)
    attempts = _attempts(tries, shift)
    started = attempts[0].started_at if attempts else marks[0].at
    state = _state(attempts, marks)
    return Delivery(
        id=delivery_node_id(identity, consumer),
        identity=identity,
        event=event_node_id(identity),
        consumer=consumer,
        state=state,
        attempts=attempts,
        marks=marks,
        emitted=_emitted(tries),
        started_at=started,
        ended_at=None if state in OPEN else _ended(attempts, started),
        shift_s=shift.total_seconds(),
        evidence=_surest([HANDLED.get(row.origin, Evidence.DELIVERY) for row in tries]),
    )


def _marks(rows: Iterable[ReceiptRow]) -> tuple[LetterMark, ...]:
    letters = [row for row in rows if row.origin == "letter"]
    letters.sort(key=lambda row: (row.seen_at, row.outcome, row.receipt_identity))
    return tuple(
        LetterMark(row.seen_at, row.outcome, row.letter_id, row.replay_attempt) for row in letters
    )


def _emitted(tries: Iterable[ReceiptRow]) -> tuple[Emitted, ...]:
    found: dict[bytes, list[Evidence]] = {}
    for row in tries:
        for identity in row.published:
            found.setdefault(identity, []).append(EMITTED.get(row.origin, Evidence.DELIVERY))
    return tuple([Emitted(identity, _surest(found[identity])) for identity in sorted(found)])


def _surest(found: Sequence[Evidence]) -> Evidence:
    """The best of these reasons; a letter alone is as sure as a receipt."""
    if len(found) == 1:
        return found[0]
    return min(found, key=SUREST.index, default=Evidence.DELIVERY)


def _shift(tries: Sequence[ReceiptRow], sent_at: datetime | None) -> timedelta:
    """The clock rule: a consumer cannot start before the send, and is never moved earlier."""
    if sent_at is None or not tries or tries[0].started_at >= sent_at:
        return NO_TIME
    return sent_at - tries[0].started_at


def _attempts(tries: Sequence[ReceiptRow], shift: timedelta) -> tuple[Attempt, ...]:
    """Receipts of the same try (same copy of the message, same number) are one attempt.

    Copies are ordered by their first start, the tries of one copy by number: two processes
    may disagree about the time, but not about whose turn it was.
    """
    if len(tries) == 1:
        return (_attempt(tries, shift),)
    copies: dict[tuple[str, str, str], dict[int, list[ReceiptRow]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for row in tries:
        copies[row.replay_attempt, row.stream, row.position][row.attempt].append(row)
    made = [
        [_attempt(numbers[number], shift) for number in sorted(numbers)]
        for numbers in copies.values()
    ]
    made.sort(key=lambda attempts: (min(a.started_at for a in attempts), attempts[0].receipt))
    return tuple(attempt for attempts in made for attempt in attempts)


def _attempt(rows: Sequence[ReceiptRow], shift: timedelta) -> Attempt:
    said = rows[0] if len(rows) == 1 else max(rows, key=_weight)
    started = said.started_at + shift if shift else said.started_at
    took = timedelta(milliseconds=max(0.0, said.duration_ms or 0.0))
    return Attempt(
        number=said.attempt,
        outcome=said.outcome,
        started_at=started,
        raw_started_at=said.started_at,
        ended_at=None if said.outcome in UNENDED else started + took,
        error_type=said.error_type,
        error_message=said.error_message,
        process=said.process,
        release=said.release,
        replay_attempt=said.replay_attempt,
        retry_in_s=None if said.retry_in_ms is None else said.retry_in_ms / 1000,
        receipt=said.receipt_identity,
        told_by=said.origin,
        place=f"{said.stream} {said.position}".strip(),
        processes=tuple(sorted({row.process for row in rows} - {""})),
    )


def _weight(row: ReceiptRow) -> tuple[int, datetime, bytes]:
    return WEIGHT.get(row.outcome, 0), row.seen_at, row.receipt_identity


def _ended(attempts: Sequence[Attempt], started: datetime) -> datetime:
    return max((attempt.ended_at or attempt.started_at for attempt in attempts), default=started)


def _state(attempts: Sequence[Attempt], marks: Sequence[LetterMark]) -> DeliveryState:
    """What was said last holds; handled after it was given up is mended. A letter is never
    outweighed by what is only inferred: who gives up acknowledges, too."""
    if marks and all(attempt.inferred for attempt in attempts):
        attempts = ()
    last = attempts[-1].outcome if attempts else ""
    state = STATE.get(last, DeliveryState.RUNNING)
    died = any(attempt.outcome == "dead_lettered" for attempt in attempts)
    if marks:
        died = True
        state = _with_letter(state, attempts, marks[-1])
    if state is DeliveryState.SUCCEEDED and died:
        return DeliveryState.MENDED
    return state


def _with_letter(
    state: DeliveryState, attempts: Sequence[Attempt], mark: LetterMark
) -> DeliveryState:
    """What the letter says last, unless the consumer has spoken since.

    An attempt that bears a replay's stamp comes after that replay, whatever the clocks say.
    """
    if mark.outcome in ("mended", "discarded"):
        return STATE[mark.outcome]
    last = attempts[-1] if attempts else None
    answered = last is not None and last.started_at > mark.at
    if mark.outcome == "replayed":
        stamped = any(mark.replay_attempt == a.replay_attempt for a in attempts)
        return state if answered or (mark.replay_attempt and stamped) else DeliveryState.REPLAYING
    handled = state in (DeliveryState.SUCCEEDED, DeliveryState.SKIPPED)
    replayed = last is not None and bool(last.replay_attempt)
    return state if answered or (handled and replayed) else DeliveryState.FAILED
