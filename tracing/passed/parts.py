"""Pure: what is known of the events that a consumer has passed, and how far it was followed."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from brokers.contract import PendingEntry
from brokers.redis_wire import order

BEYOND = 4_000  # events that are remembered as told of
GIVE_UP = 5_000  # events passed since one that was not: it will not be
FAR = 20_000  # events: a mark that moved so far is written though its stream had none of them


class Place(NamedTuple):
    """An event where it lies on the broker."""

    id: int
    identity: bytes
    stream: str
    position: str
    flow_id: str
    at: datetime
    target: str


@dataclass(slots=True)
class Mark:
    """How far one consumer was followed on one stream, by the number of the events' rows.

    Every event up to `seen_to` was looked at once; those after `event_id` again when the cursor
    has moved, since there one was ahead of it.
    """

    event_id: int
    seen_to: int
    waits_at: str = ""  # its cursor when something was ahead of it; "": nothing is
    beyond: set[int] = field(default_factory=set)  # told of, after `event_id`
    written: int = -FAR  # `seen_to` as it is stored
    changed: bool = False

    def told(self, events: Iterable[int]) -> None:
        """Of these something was written."""
        self.beyond.update(events)
        self.changed = True
        if len(self.beyond) > BEYOND:
            self.beyond.clear()  # it only saves writing the same again

    def see(self, end: int, ahead: int | None, cursor: str) -> None:
        """The events up to row `end` were looked at; `ahead`: the first that is not passed."""
        self.seen_to = end
        if not self.waits_at:
            self.settle(end if ahead is None else ahead - 1, "" if ahead is None else cursor)

    def settle(self, event_id: int, waits_at: str) -> None:
        """All up to this row were passed; `waits_at`: the next is ahead of this cursor."""
        self.changed = self.changed or self.waits_at != waits_at
        self.event_id, self.waits_at = event_id, waits_at
        self.beyond = {number for number in self.beyond if number > event_id}

    def skip_to(self, front: int) -> None:
        """There is nothing to be told of what came up to this row."""
        self.seen_to = front
        self.settle(front, "")

    @property
    def to_write(self) -> bool:
        """Whether it is worth a row: else a little is looked at again after a restart."""
        return self.changed or self.seen_to - self.written >= FAR


@dataclass(slots=True)
class Return:
    """A consumer on its way back over events that were ahead of it."""

    at: int  # row up to which it has come
    ahead: int | None = None  # the first that still is
    passed: int = 0  # how many after that are not

    def go(self, part: "Part", end: int, seen_to: int) -> bool:
        """One page further; whether that is the end of the way."""
        if self.ahead is None:
            self.ahead = part.ahead
        else:
            self.passed += part.passed
        self.at = end
        if self.passed > GIVE_UP:
            self.ahead, self.passed = None, 0  # it belongs to a stream that was made anew
        return end >= seen_to or (part.ahead is not None and not part.passed)


@dataclass(frozen=True, slots=True)
class Part:
    """Of a page of events what one consumer has passed."""

    fresh: Sequence[Place]  # of these nothing was told yet
    passed: int  # how many there are in all
    ahead: int | None  # row of the first that is not passed


def part(places: Iterable[Place], consumer: str, cursor: str, beyond: Container[int]) -> Part:
    """What of these events, in the order of their rows, a consumer at this cursor has passed."""
    own = [one for one in places if one.target in ("", consumer)]
    passed = [one for one in own if order(one.position) <= order(cursor)]
    ahead = next((one.id for one in own if order(one.position) > order(cursor)), None)
    return Part([one for one in passed if one.id not in beyond], len(passed), ahead)


class Pending:
    """The pending entries of one consumer in a span, as far as they were told."""

    def __init__(self, entries: Sequence[PendingEntry], cut: bool) -> None:
        self._entries = {entry.position: entry for entry in entries}
        self._until = order(entries[-1].position) if cut else None

    def of(self, position: str) -> PendingEntry | None:
        """The entry, if it is pending."""
        return self._entries.get(position)

    def tells(self, position: str) -> bool:
        """Whether it is known of this position; else there were too many before it."""
        return self._until is None or order(position) <= self._until
