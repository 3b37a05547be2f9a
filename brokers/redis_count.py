"""Counting the entries between two positions of a stream, in bounded pages.

Never in Lua: a long count there would stop the whole server.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from brokers.contract import Method, StreamState
from brokers.redis_wire import Wire, entries, order

PAGE = 1_000
PAGES_A_STREAM = 10  # counting stops at 10,000 messages: "at least"
PAGES_A_ROUND = 200


@dataclass(frozen=True, slots=True)
class Group:
    """One consumer group of one stream, as XINFO GROUPS gives it."""

    stream: StreamState
    name: str
    cursor: str
    pending: int
    read: int | None  # entries read, on Redis 7 and while the server knows


@dataclass(frozen=True, slots=True)
class Found:
    """How many messages, and how that is known; None when the round's pages were used up."""

    messages: int | None
    method: Method

    @property
    def exact(self) -> bool:
        """Whether the number is the number, not a lower bound."""
        return self.method is Method.EXACT


@dataclass(slots=True)
class Budget:
    """Pages left in this round, over all streams."""

    pages: int = PAGES_A_ROUND

    def allow(self) -> bool:
        """Take one page, if there is one."""
        self.pages -= 1
        return self.pages >= 0


def count_between(
    wire: Wire, stream: str, between: tuple[str, str], budget: Budget, pages: int = PAGES_A_STREAM
) -> tuple[int, bool]:
    """Entries after one position up to another, and whether that is all of them."""
    total, (after, until) = 0, between
    for _ in range(pages):
        if not budget.allow():
            return total, False
        page = entries(wire.ask("XRANGE", stream, f"({after}", until, "COUNT", PAGE))
        total += len(page)
        if len(page) < PAGE:
            return total, True
        after = page[-1].position
    return total, order(after) >= order(until)


def behind(wire: Wire, groups: Sequence[Group], budget: Budget) -> Iterator[tuple[Group, Found]]:
    """How many messages each group of one stream has not been given.

    Walks from the newest cursor down, so that a stretch shared by several groups is read once.
    """
    total, pages, complete, until = 0, PAGES_A_STREAM, True, ""
    for group in sorted(groups, key=lambda group: order(group.cursor), reverse=True):
        if simple := _without_counting(group):
            yield group, simple
            continue
        until = until or group.stream.head
        if complete and group.cursor != until:
            counted, complete = count_between(
                wire, group.stream.name, (group.cursor, until), budget, pages
            )
            total += counted
            pages -= -(-counted // PAGE)
            until = group.cursor
        yield group, _found(total, complete)


def _found(total: int, complete: bool) -> Found:
    if complete:
        return Found(total, Method.EXACT)
    return Found(total, Method.BOUNDED) if total else Found(None, Method.UNKNOWN)


def _without_counting(group: Group) -> Found | None:
    stream = group.stream
    if stream.length == 0 or order(group.cursor) >= order(stream.head):
        return Found(0, Method.EXACT)
    if not stream.first or order(group.cursor) < order(stream.first):
        return Found(stream.length, Method.EXACT)
    return None
