"""Keyset pages: every row once, in order, whatever the size of a page."""

from datetime import timedelta
from itertools import pairwise

import pytest

from kit import clock
from kit.http import Problem
from kit.models import AuditEntry
from kit.pages import Page, page

pytestmark = pytest.mark.django_db


def _entries(number: int) -> None:
    now = clock.now()
    for at in range(number):
        # Two rows at the same time each: the second field must decide.
        moment = now - timedelta(seconds=at // 2)
        AuditEntry.objects.create(
            at=moment, actor="a", action="x", target_kind="t", target_id=at, summary="s"
        )


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_walking_meets_every_row_once_in_order(size: int) -> None:
    _entries(11)
    order = ("-at", "-id")
    walked: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        found = page(AuditEntry.objects.all(), order, cursor, size)
        walked += [row.pk for row in found.items]
        cursor = found.next
    assert walked == list(AuditEntry.objects.order_by(*order).values_list("pk", flat=True))


def test_the_count_says_when_it_is_a_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    _entries(5)
    monkeypatch.setattr("kit.pages.COUNT_CAP", 4)
    found = page(AuditEntry.objects.all(), ("-id",))
    assert (found.count, found.estimated) == (4, True)


@pytest.mark.parametrize("cursor", ["x", "bm90IGpzb24", "WzEsMl0", "W3t9XQ", "\x00"])
def test_a_strange_cursor_is_a_clear_400(cursor: str) -> None:
    with pytest.raises(Problem) as refused:
        page(AuditEntry.objects.all(), ("-id",), cursor)
    assert refused.value.status == 400


def test_the_audit_is_append_only() -> None:
    _entries(1)
    entry = AuditEntry.objects.get()
    with pytest.raises(TypeError):
        entry.save()
    with pytest.raises(TypeError):
        entry.delete()


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_walking_back_meets_the_same_rows(size: int) -> None:
    _entries(11)
    order = ("-at", "-id")
    rows = AuditEntry.objects.all()
    there = [page(rows, order, "", size)]
    while (onward := there[-1].next) is not None:
        there.append(page(rows, order, onward, size))
    assert there[0].previous is None
    for before, after in pairwise(there):
        assert after.previous is not None
        back = page(rows, order, after.previous, size)
        assert back.items == before.items
        assert back.next is not None
        assert page(rows, order, back.next, size).items == after.items


def test_going_back_over_less_than_a_page_gives_the_first_page() -> None:
    _entries(9)
    rows = AuditEntry.objects.all()
    second = page(rows, ("-id",), page(rows, ("-id",), "", 2).next or "", 4)
    first = page(rows, ("-id",), second.previous or "", 4)
    assert first.items == page(rows, ("-id",), "", 4).items
    assert first.previous is None


def test_a_walk_over_many_rows_ends_and_the_next_page_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _entries(12)
    monkeypatch.setattr("kit.pages.WALK", 4)
    walked = AuditEntry.objects.all()
    wanted = [row.pk for row in walked.order_by("id")][::3]  # four of twelve
    rows = walked.filter(pk__in=wanted)
    pages: list[Page[AuditEntry]] = []
    cursor = ""
    while not pages or pages[-1].next:
        pages.append(page(rows, ("id",), cursor, 3, walked))
        cursor = pages[-1].next or ""
    assert [[row.pk for row in one.items] for one in pages] == [
        wanted[:2],
        wanted[2:3],
        wanted[3:],
    ]
    assert [one.walked_out for one in pages] == [True, True, False]
    assert (pages[0].count, pages[0].estimated) == (2, True)
    assert page(rows, ("id",), pages[-1].previous or "", 3, walked).items == pages[1].items
