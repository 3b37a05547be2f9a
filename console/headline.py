"""The overview's sentence: what is wrong, since when, how much waits, and the way to it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from kit.formats import age, clock_time, count, money

TROUBLE = ("stopped", "stalled", "falling_behind", "rewound", "catching_up")
LOSING = {
    "stopped": "has stopped",
    "stalled": "stands still",
    "falling_behind": "is losing ground",
    "rewound": "was rewound",
    "catching_up": "is catching up",
}
TONES = {"stopped": "bad", "stalled": "bad", "catching_up": "run"}


@dataclass(frozen=True)
class Failing:
    """The group of open dead letters with the largest blast radius."""

    consumer: str
    since: datetime
    release: str
    orders: int  # distinct; letters without an order count as one each
    amount: Decimal | None
    currency: str
    url: str


@dataclass(frozen=True)
class Behind:
    """One consumer that needs a look."""

    consumer: str
    verdict: str
    oldest_s: float | None
    messages: int | None


@dataclass(frozen=True)
class Untaken:
    """Dead letters that were on their queues before these were read, and are not taken in."""

    letters: int = 0
    counted: bool = True  # else: at least so many

    def __bool__(self) -> bool:
        return self.letters > 0


@dataclass(frozen=True)
class Part:
    """A piece of the sentence; `tone` colours it, `url` makes it a link."""

    text: str
    tone: str = ""
    url: str = ""


@dataclass(frozen=True)
class Headline:
    """The sentence, its tone, and the button to what is worst."""

    tone: str
    parts: tuple[Part, ...]
    action: Part | None = None


def headline(
    failing: Failing | None,
    other_groups: int,
    behind: Sequence[Behind],
    seen_any: bool,
    now: datetime,
    untaken: Untaken = Untaken(),  # it is frozen
) -> Headline:
    """What is wrong now, worst first; `behind` in any order."""
    late = sorted(
        (one for one in behind if one.verdict in TROUBLE),
        key=lambda one: (TROUBLE.index(one.verdict), -(one.oldest_s or 0)),
    )
    parts = _failing(failing, other_groups, now) if failing else ()
    if untaken:
        parts = (*parts, *([Part("; ")] if parts else []), *_untaken(untaken))
    if late:
        parts = (*parts, *([Part("; ")] if parts else []), *_late(late, capital=not parts))
    if parts:
        tone = "bad" if failing or untaken else TONES.get(late[0].verdict, "warn")
        return Headline(tone, (*parts, Part(".")), _action(failing, late))
    if not seen_any:
        return Headline("idle", (Part("No event has come in yet."),))
    return Headline("ok", (Part("Everything keeps up, no dead letter waits."),))


def _failing(failing: Failing, others: int, now: datetime) -> tuple[Part, ...]:
    name = failing.consumer[:1].upper() + failing.consumer[1:]
    words = f"{count(failing.orders)} {'order' if failing.orders == 1 else 'orders'}"
    if failing.amount:
        words += f", {money(failing.amount, failing.currency)}"
    release = f" in release {failing.release}" if failing.release else ""
    more = f", and {others} more {'cause' if others == 1 else 'causes'}" if others else ""
    return (
        Part(f"{name} has been "),
        Part(f"failing since {clock_time(failing.since, now)}", "bad"),
        Part(f"{release}: "),
        Part(words, url=failing.url),
        Part((" is" if failing.orders == 1 else " are") + f" waiting{more}"),
    )


def _untaken(untaken: Untaken) -> tuple[Part, ...]:
    one = untaken.letters == 1 and untaken.counted
    words = f"{count(untaken.letters, bounded=not untaken.counted)} older dead "
    words += "letter is not taken in" if one else "letters are not taken in"
    return (Part(words, "bad"),)


def _late(late: Sequence[Behind], capital: bool) -> tuple[Part, ...]:
    worst, more = late[0], len(late) - 1
    name = worst.consumer[:1].upper() + worst.consumer[1:] if capital else worst.consumer
    tail = f", and {more} more {'consumer needs' if more == 1 else 'consumers need'} a look"
    words = LOSING[worst.verdict] + (tail if more else "")
    if worst.oldest_s is None:
        return (Part(f"{name} "), Part(words, TONES.get(worst.verdict, "warn")))
    behind = Part(f"{age(worst.oldest_s)} behind", TONES.get(worst.verdict, "warn"))
    return (Part(f"{name} is "), behind, Part(" and " + words.removeprefix("is ")))


def _action(failing: Failing | None, late: Sequence[Behind]) -> Part:
    if failing:
        return Part(f"Open the {failing.consumer} group", url=failing.url)
    return Part(f"Look at {late[0].consumer}" if late else "Look at the queues", url="lag")
