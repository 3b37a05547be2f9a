"""Pure: the one vocabulary of anomalies: page, API, exports and docs/cascades.md use it."""

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What may be odd about a cascade, the worst first: lists are in this order."""

    DEAD_LETTERED = "dead_lettered"
    HANDLED_TWICE = "handled_twice"
    DIFFERING_BODY = "differing_body"
    SEQUENCE_GAP = "sequence_gap"
    OUT_OF_ORDER = "out_of_order"
    ORPHAN = "orphan"
    MISSING_CAUSE = "missing_cause"
    MISSING_EVENT = "missing_event"
    AMBIGUOUS_CAUSE = "ambiguous_cause"
    SELF_CAUSE = "self_cause"
    CYCLE = "cycle"
    LATE = "late"
    TRUNCATED = "truncated"
    CLOCK_SKEW = "clock_skew"
    DUPLICATE = "duplicate"
    RESENT = "resent"
    REDELIVERED = "redelivered"
    REPLAYED = "replayed"
    EDITED = "edited"


class Meaning(NamedTuple):
    """What a kind is called, how bad it is, and what it means to a person."""

    title: str
    tone: str  # bad: look at it; warn: the picture may be wrong; idle: good to know
    means: str


MEANINGS: dict[Kind, Meaning] = {
    Kind.DEAD_LETTERED: Meaning("Dead letter", "bad", "a consumer gave the message up"),
    Kind.HANDLED_TWICE: Meaning(
        "Handled twice", "bad", "one consumer succeeded more than once: did its effect, too?"
    ),
    Kind.DIFFERING_BODY: Meaning(
        "Differing body", "bad", "one event ID was published with several contents"
    ),
    Kind.SEQUENCE_GAP: Meaning(
        "Gap in the sequence", "warn", "the source numbers its events, and numbers are missing"
    ),
    Kind.OUT_OF_ORDER: Meaning(
        "Out of order", "warn", "the order within one partition key was not kept"
    ),
    Kind.ORPHAN: Meaning("Orphan", "warn", "no way leads back to a beginning that was seen"),
    Kind.MISSING_CAUSE: Meaning(
        "Cause not seen", "warn", "an event names a cause that never came in"
    ),
    Kind.MISSING_EVENT: Meaning(
        "Event not seen", "warn", "a consumer speaks of an event that never came in"
    ),
    Kind.AMBIGUOUS_CAUSE: Meaning(
        "Ambiguous cause", "warn", "the ID named as a cause belongs to several events"
    ),
    Kind.SELF_CAUSE: Meaning("Its own cause", "warn", "an event names itself as its cause"),
    Kind.CYCLE: Meaning("Cycle", "warn", "causes go round in a circle"),
    Kind.LATE: Meaning(
        "Late", "warn", "published long after the end, or after what it is said to have caused"
    ),
    Kind.TRUNCATED: Meaning("Truncated", "warn", "a part of this cascade is not shown"),
    Kind.CLOCK_SKEW: Meaning(
        "Clock skew", "warn", "a consumer says that it began before the message was sent"
    ),
    Kind.DUPLICATE: Meaning(
        "Duplicate", "idle", "the same event was published several times in a row"
    ),
    Kind.RESENT: Meaning("Resent", "idle", "its producer published the event again later"),
    Kind.REDELIVERED: Meaning(
        "Redelivered", "idle", "one copy of the message was handed out again"
    ),
    Kind.REPLAYED: Meaning("Replayed", "idle", "the console sent the message again"),
    Kind.EDITED: Meaning("Edited", "idle", "a replay bore another content than the original"),
}
RANK = {kind: number for number, kind in enumerate(Kind)}
