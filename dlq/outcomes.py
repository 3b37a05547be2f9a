"""What became of one attempt, judged by its evidence. Pure.

Evidence, strongest first: a receipt that bears the attempt; the next death of the letter in that
attempt; the consumer's cursor and pending list.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from brokers.contract import Delivered
from dlq.words import ItemState
from tracing.rows import AttemptOutcome

GRACE = timedelta(seconds=5)  # for the receipt or the next death of what was acknowledged
SUCCEEDED, SKIPPED = "succeeded", "skipped"
FAILED = ("dead_lettered", "failed")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one attempt at one moment."""

    now: datetime
    sent_at: datetime
    wait: timedelta
    receipts: Sequence[AttemptOutcome] = ()  # of the target consumer
    died: str = ""  # error of the next death in this attempt
    delivered: Delivered | None = None  # None: not asked
    passed_at: datetime | None = None
    gives_receipts: bool = True
    consumer: str = "the consumer"


def judge(known: Evidence) -> tuple[ItemState, str] | None:
    """The outcome and what it rests on, or None when it is to be awaited."""
    told = _by_receipts(known)
    if told:
        return told
    if known.died:
        return ItemState.FAILED_AGAIN, f"died again: {known.died}"
    if known.delivered is Delivered.ACKNOWLEDGED and known.passed_at is not None:
        return _by_cursor(known, known.now - known.passed_at)
    if known.delivered is Delivered.UNKNOWN and known.now - known.sent_at >= known.wait:
        why = f"the broker does not know {known.consumer} where it was sent to"
        return ItemState.NO_RECEIPT, f"no receipt, and {why}"
    return None


def _by_receipts(known: Evidence) -> tuple[ItemState, str] | None:
    """A success wins over all: after a crash the same attempt may be handled once more."""
    by = {receipt.outcome: receipt for receipt in known.receipts}
    if SUCCEEDED in by:
        return ItemState.SUCCEEDED, _receipt(by[SUCCEEDED], "succeeded")
    failed = next((by[outcome] for outcome in FAILED if outcome in by), None)
    # The copy it left on the dead-letter queue belongs to the outcome: wait for intake to see it.
    if failed and (known.died or known.now - failed.seen_at >= GRACE):
        return ItemState.FAILED_AGAIN, _receipt(failed, f"failed: {_error(failed)}")
    if SKIPPED in by and not failed:
        return ItemState.SKIPPED, _receipt(by[SKIPPED], "had seen it before")
    return None


def _receipt(receipt: AttemptOutcome, what: str) -> str:
    process = f" ({receipt.process})" if receipt.process else ""
    return f"receipt of {receipt.consumer}{process}: {what}"


def _error(receipt: AttemptOutcome) -> str:
    return f"{receipt.error_type}: {receipt.error_message}"[:300]


def _by_cursor(known: Evidence, since: timedelta) -> tuple[ItemState, str] | None:
    """Acknowledged without a receipt: inferred for a consumer that never gives any."""
    seen = f"{known.consumer} has read and acknowledged it"
    if not known.gives_receipts and since >= GRACE:
        return ItemState.HANDLED, f"inferred: {seen}; it gives no receipts"
    if since >= known.wait:
        return ItemState.NO_RECEIPT, f"{seen}, no receipt within {known.wait.seconds} s of that"
    return None
