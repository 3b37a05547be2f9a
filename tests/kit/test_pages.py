"""Keyset pages: every row once, in order, whatever the size of a page."""

from datetime import timedelta

import pytest

from kit import clock
from kit.http import Problem
from kit.models import AuditEntry
from kit.pages import page

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
