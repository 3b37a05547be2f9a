"""What a consumer has passed of a page of events, and where it is looked at again."""

from datetime import UTC, datetime

import pytest

from brokers.contract import PendingEntry
from tracing.passed import parts
from tracing.passed.parts import Mark, Part, Pending, Place, Return, part

AT = datetime(2026, 1, 1, tzinfo=UTC)


def place(number: int, position: str, target: str = "") -> Place:
    return Place(number, b"", "orders.0", position, "flow", AT, target)


def test_passed_and_ahead() -> None:
    page = [place(1, "5-1"), place(2, "10-0"), place(3, "9-0"), place(4, "5-2")]
    found = part(page, "payment", "9-0", {4})
    assert ([one.id for one in found.fresh], found.passed, found.ahead) == ([1, 3], 3, 2)
    assert part(page, "payment", "99-0", ()).ahead is None
    assert part([], "payment", "9-0", ()) == Part([], 0, None)


def test_a_copy_for_another_consumer_is_none_of_it() -> None:
    page = [place(1, "5-1", "billing"), place(2, "5-2", "payment"), place(3, "99-0", "billing")]
    found = part(page, "payment", "9-0", ())
    assert ([one.id for one in found.fresh], found.ahead) == ([2], None)


def test_what_is_told_of_a_pending_list_that_was_cut() -> None:
    entries = [PendingEntry("5-1", "p", 1.0, 1), PendingEntry("7-0", "p", 1.0, 3)]
    whole, cut = Pending(entries, cut=False), Pending(entries, cut=True)
    assert whole.tells("9-0")
    assert (cut.tells("6-0"), cut.tells("7-0"), cut.tells("7-1")) == (True, True, False)
    entry = cut.of("7-0")
    assert entry is not None
    assert entry.tries == 3
    assert cut.of("6-0") is None
    assert Pending([], cut=False).tells("1-0")


def test_a_mark_goes_to_the_first_that_is_ahead_and_stays_there() -> None:
    mark = Mark(0, 0)
    mark.see(10, None, "5-0")
    assert (mark.event_id, mark.seen_to, mark.waits_at) == (10, 10, "")
    mark.see(20, 14, "5-0")
    assert (mark.event_id, mark.seen_to, mark.waits_at) == (13, 20, "5-0")
    mark.see(30, None, "5-0")
    assert (mark.event_id, mark.seen_to, mark.waits_at) == (13, 30, "5-0")
    mark.told([12, 15, 16])
    mark.settle(15, "7-0")
    assert (mark.event_id, mark.beyond) == (15, {16})
    mark.skip_to(40)
    assert (mark.event_id, mark.seen_to, mark.waits_at, mark.beyond) == (40, 40, "", set())


def test_a_mark_is_written_when_it_says_something_new() -> None:
    mark = Mark(0, 0, written=0)
    mark.see(10, None, "5-0")
    assert not mark.to_write
    mark.see(parts.FAR, None, "5-0")
    assert mark.to_write
    mark.written = parts.FAR
    assert not mark.to_write
    mark.told([parts.FAR + 1])
    assert mark.to_write
    fresh = Mark(7, 7)
    assert fresh.to_write


def test_what_was_told_is_forgotten_when_it_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "BEYOND", 2)
    mark = Mark(0, 0)
    mark.told([1, 2])
    assert mark.beyond == {1, 2}
    mark.told([3])
    assert mark.beyond == set()


def test_the_way_back_ends_where_nothing_is_passed_any_more() -> None:
    way = Return(0)
    assert not way.go(Part([], 5, None), 10, 100)
    assert not way.go(Part([], 5, 14), 20, 100)
    assert way.go(Part([], 0, 21), 30, 100)
    assert way.ahead == 14
    way = Return(0)
    assert way.go(Part([], 5, None), 100, 100)
    assert (way.at, way.ahead) == (100, None)


def test_one_that_will_never_be_passed_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "GIVE_UP", 8)
    way = Return(0)
    way.go(Part([], 5, 3), 10, 100)
    way.go(Part([], 5, None), 20, 100)
    assert way.ahead == 3
    way.go(Part([], 5, None), 30, 100)
    assert way.ahead is None
    way.go(Part([], 5, 37), 40, 100)
    assert way.ahead == 37
