"""The states of a letter, a replay and an item; dlq/states.py says which may follow which."""

from enum import StrEnum


class LetterState(StrEnum):
    """Where a letter stands."""

    DEAD = "dead"  # waits for an operator
    REPLAYING = "replaying"  # member of a running replay
    MAYBE_SENT = "maybe_sent"  # a crash left it open whether it was sent: a person settles it
    MENDED = "mended"  # its consumer handled it, seen
    DISCARDED = "discarded"  # given up by a person, with a reason


class Stage(StrEnum):
    """Where a group stands with the people who look after it."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"  # somebody looks after it: `assignee`, if it is known who
    MUTED = "muted"  # out of sight until a time or a volume
    RESOLVED = "resolved"  # by a fix, perhaps of a named release
    REGRESSED = "regressed"  # it was resolved, and a letter died of it again


class ReplayState(StrEnum):
    """Where a batch stands."""

    PLANNED = "planned"  # frozen, shown, not started
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"


class ItemState(StrEnum):
    """Where a member of a batch stands."""

    WAITING = "waiting"
    STAYS = "stays"  # not sent, by the plan's choice for its class: its letter stays as it is
    HELD = "held"  # sent only when a person says so
    CHANGED = "changed"  # dropped out: the letter changed after the freeze
    SENDING = "sending"  # claimed; a crash here becomes maybe_sent unless the marker tells
    SENT = "sent"  # published, outcome awaited
    MAYBE_SENT = "maybe_sent"
    SUCCEEDED = "succeeded"
    FAILED_AGAIN = "failed_again"
    SKIPPED = "skipped"  # the consumer had seen it before: not a success
    HANDLED = "handled"  # inferred from cursor and pending list, without a receipt
    NO_RECEIPT = "no_receipt"
    UNSENT = "unsent"  # cancelled, or nothing could be sent: `evidence` says why


class Fate(StrEnum):
    """The class of a member of a plan: every member is in one."""

    READY = "ready"
    SUPERSEDED = "superseded"  # a newer event of its key was handled since
    SUCCEEDED = "already_succeeded"  # its consumer succeeded with this very event another way
    EXPIRED = "expired"  # the event says itself that it is worth nothing any more
    OFTEN = "replayed_often"  # poison: quarantined until a person with the right says otherwise
    NOWHERE = "no_target"  # nobody knows who gave it up, or where it came from
    CHANGED = "changed"  # the letter changed after the freeze; never chosen


class Choice(StrEnum):
    """What becomes of the members of a class."""

    SEND = "send"
    SKIP = "skip"
    ASK = "ask"  # held until a person decides, when all the others are through


OVER = (ReplayState.DONE, ReplayState.CANCELLED)
OPEN_LETTERS = (LetterState.DEAD, LetterState.REPLAYING, LetterState.MAYBE_SENT)
SETTLED_ITEMS = (
    ItemState.STAYS,
    ItemState.CHANGED,
    ItemState.SUCCEEDED,
    ItemState.FAILED_AGAIN,
    ItemState.SKIPPED,
    ItemState.HANDLED,
    ItemState.NO_RECEIPT,
    ItemState.UNSENT,
)


def choices(words: type[StrEnum]) -> list[tuple[str, str]]:
    """Django's choices of an enumeration: `maybe_sent` reads "maybe sent"."""
    return [(word.value, word.value.replace("_", " ")) for word in words]
