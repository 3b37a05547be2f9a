"""Pure: what is odd about one consumer's handling of one event."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from kit import formats
from tracing.cascade.kinds import Kind
from tracing.cascade.model import Anomaly, Attempt, Delivery, DeliveryState

CLOCK_WORTH_SAYING_S = 0.001
DONE = ("succeeded", "skipped")
SINCE = {
    DeliveryState.MENDED: "; mended since",
    DeliveryState.DISCARDED: "; discarded since",
    DeliveryState.REPLAYING: "; it is being replayed",
}


def is_plain(delivery: Delivery) -> bool:
    """Whether there is nothing to be said: one attempt, no letter, no replay, clocks agree."""
    if len(delivery.attempts) != 1 or delivery.marks or delivery.shift_s >= CLOCK_WORTH_SAYING_S:
        return False
    attempt = delivery.attempts[0]
    return attempt.outcome != "dead_lettered" and not attempt.replay_attempt


def of_delivery(delivery: Delivery, event: str) -> Iterator[Anomaly]:
    """All of it; `event` is what the handled event is called."""
    if delivery.shift_s >= CLOCK_WORTH_SAYING_S:
        detail = (
            f"{delivery.consumer} says that it began {formats.duration(delivery.shift_s)} before"
            f" {event} was sent; it is shown at the send"
        )
        yield Anomaly(Kind.CLOCK_SKEW, delivery.id, detail)
    if len(delivery.attempts) > 1:
        yield from _handled_twice(delivery, event)
        yield from _redelivered(delivery, event)
    yield from _given_up(delivery, event)
    yield from _replayed(delivery, event)


def _handled_twice(delivery: Delivery, event: str) -> Iterator[Anomaly]:
    """Receipts and spans may tell of the same success: those of one kind are counted."""
    done = Counter(a.told_by == "receipt" for a in delivery.attempts if a.outcome == "succeeded")
    succeeded = max(done.values(), default=0)
    if succeeded > 1:
        detail = f"{delivery.consumer} succeeded {formats.times(succeeded)} on {event}"
        yield Anomaly(Kind.HANDLED_TWICE, delivery.id, detail)


def _redelivered(delivery: Delivery, event: str) -> Iterator[Anomaly]:
    """One copy (one position, one replay) handed out again, and not for a retry."""
    copies: dict[tuple[str, str], list[Attempt]] = defaultdict(list)
    for attempt in delivery.attempts:
        if attempt.place:
            copies[attempt.replay_attempt, attempt.place].append(attempt)
    for (_, place), attempts in sorted(copies.items()):
        why = _why_again(attempts)
        if why:
            detail = f"{delivery.consumer} was handed {event} at {place} again: {why}"
            yield Anomaly(Kind.REDELIVERED, delivery.id, detail)


def _why_again(attempts: Sequence[Attempt]) -> str:
    processes = sorted({process for one in attempts for process in one.processes})
    if len(processes) > 1:
        return f"{len(processes)} processes worked on it"
    before = [one.outcome for one in attempts[:-1]]
    if any(outcome in DONE for outcome in before):
        return "it had been done before"
    return "an earlier attempt never said how it ended" if "started" in before else ""


def _given_up(delivery: Delivery, event: str) -> Iterator[Anomaly]:
    died = [one for one in delivery.attempts if one.outcome == "dead_lettered"]
    if not died and not any(mark.outcome == "dead_lettered" for mark in delivery.marks):
        return
    error = f", {died[-1].error_type}" if died and died[-1].error_type else ""
    tries = f" after {formats.plural(died[-1].number, 'attempt')}" if died else ""
    since = SINCE.get(delivery.state, "")
    detail = f"{delivery.consumer} gave {event} up{tries}{error}{since}"
    yield Anomaly(Kind.DEAD_LETTERED, delivery.id, detail)


def _replayed(delivery: Delivery, event: str) -> Iterator[Anomaly]:
    stamps = {one.replay_attempt for one in delivery.attempts} - {""}
    stamps |= {one.replay_attempt for one in delivery.marks if one.outcome == "replayed"}
    if stamps:
        detail = f"{event} was replayed to {delivery.consumer} {formats.times(len(stamps))}"
        yield Anomaly(Kind.REPLAYED, delivery.id, detail)
