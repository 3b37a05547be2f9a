"""The one transition table of letters, replays and items, and the only code that moves them.

Every move is a conditional change: what is no longer in a state from which the move is allowed
stays as it is and is left out of the answer. Call inside `kit.writes.writing()`. Rows are locked
in the order of their ids, letters before groups, so that two movers cannot deadlock.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from django.db import connection
from django.db.models import F, Field

from dlq.among import among
from dlq.models import Group, Item, Letter, Replay
from dlq.words import OPEN_LETTERS, SETTLED_ITEMS, ItemState, LetterState, ReplayState

# What each state may be entered from.
LETTER_FROM: Mapping[LetterState, frozenset[LetterState]] = {
    # failed again, not sent after all, or died again after it was closed
    LetterState.DEAD: frozenset(LetterState) - {LetterState.DEAD},
    # `maybe_sent` settled by hand as sent: its outcome is awaited again
    LetterState.REPLAYING: frozenset({LetterState.DEAD, LetterState.MAYBE_SENT}),
    LetterState.MAYBE_SENT: frozenset({LetterState.REPLAYING}),
    # from dead: evidence that came after the wait for a receipt had ended
    LetterState.MENDED: frozenset(
        {LetterState.DEAD, LetterState.REPLAYING, LetterState.MAYBE_SENT}
    ),
    LetterState.DISCARDED: frozenset({LetterState.DEAD}),
}
REPLAY_FROM: Mapping[ReplayState, frozenset[ReplayState]] = {
    ReplayState.PLANNED: frozenset(),
    ReplayState.RUNNING: frozenset({ReplayState.PLANNED, ReplayState.PAUSED}),
    ReplayState.PAUSED: frozenset({ReplayState.RUNNING}),
    ReplayState.DONE: frozenset({ReplayState.RUNNING, ReplayState.PAUSED}),
    ReplayState.CANCELLED: frozenset(
        {ReplayState.PLANNED, ReplayState.RUNNING, ReplayState.PAUSED}
    ),
}
_UNSURE = frozenset({ItemState.SENT, ItemState.MAYBE_SENT, ItemState.NO_RECEIPT, ItemState.HANDLED})
ITEM_FROM: Mapping[ItemState, frozenset[ItemState]] = {
    # a choice taken back while planned, a claim whose marker says it was not sent, or a resumed
    # replay that sends once more what failed in it
    ItemState.WAITING: frozenset(
        {ItemState.STAYS, ItemState.HELD, ItemState.SENDING, ItemState.FAILED_AGAIN}
    ),
    ItemState.STAYS: frozenset({ItemState.WAITING, ItemState.HELD}),
    ItemState.HELD: frozenset({ItemState.WAITING, ItemState.STAYS}),
    ItemState.CHANGED: frozenset({ItemState.WAITING, ItemState.SENDING}),
    ItemState.SENDING: frozenset({ItemState.WAITING}),
    ItemState.SENT: frozenset({ItemState.SENDING, ItemState.MAYBE_SENT}),
    ItemState.MAYBE_SENT: frozenset({ItemState.SENDING}),
    # late evidence still settles what was unsure
    ItemState.SUCCEEDED: _UNSURE,
    ItemState.FAILED_AGAIN: _UNSURE,
    ItemState.SKIPPED: _UNSURE,
    ItemState.HANDLED: frozenset({ItemState.SENT, ItemState.NO_RECEIPT}),
    ItemState.NO_RECEIPT: frozenset({ItemState.SENT}),
    ItemState.UNSENT: frozenset(
        {ItemState.WAITING, ItemState.HELD, ItemState.SENDING, ItemState.MAYBE_SENT}
    ),
}
_OPEN = frozenset(OPEN_LETTERS)
_SETTLED = frozenset(SETTLED_ITEMS)


def move_letters(
    ids: Iterable[int],
    to: LetterState,
    *,
    at: datetime,
    versions: Mapping[int, int] | None = None,
) -> list[int]:
    """Move letters and keep their groups' counts; the ids that moved, sorted.

    With `versions`, a letter moves only while it still has that version (promise 8). Every
    letter that moved has its version raised by one.
    """
    rows = list(
        among(Letter.objects.select_for_update(), "id", sorted(set(ids)))
        .filter(state__in=LETTER_FROM[to])
        .order_by("pk")
        .values_list("pk", "version", "group_id", "state", "amount", "currency")
    )
    if versions is not None:
        rows = [row for row in rows if versions.get(row[0]) == row[1]]
    moved = [row[0] for row in rows]
    if not moved:
        return []
    among(Letter.objects.all(), "id", moved).update(
        state=to.value,
        version=F("version") + 1,
        settled_at=None if to in _OPEN else at,
    )
    opened = [
        (group, 1 if to in _OPEN else -1, amount, currency)
        for _, _, group, state, amount, currency in rows
        if (LetterState(state) in _OPEN) != (to in _OPEN)
    ]
    count_open(opened)
    return moved


def count_open(changes: Iterable[tuple[int, int, Decimal | None, str]]) -> None:
    """Add (group, +1 or -1, amount, currency) to the groups' open letters and money.

    A group sums one currency, the first it saw; an amount in another is not added to it.
    """
    letters: dict[int, int] = defaultdict(int)
    money: dict[tuple[int, str], Decimal] = defaultdict(Decimal)
    for group, sign, amount, currency in changes:
        letters[group] += sign
        if amount is not None:
            money[group, currency] += sign * amount
    for group in sorted(letters):
        Group.objects.filter(pk=group).update(open_letters=F("open_letters") + letters[group])
    for group, currency in sorted(money):
        Group.objects.filter(pk=group, currency="").update(currency=currency)
        Group.objects.filter(pk=group, currency=currency).update(
            open_amount=F("open_amount") + money[group, currency]
        )


def move_replay(replay_id: int, to: ReplayState, *, at: datetime) -> bool:
    """Move a batch; False when it is not in a state from which it may."""
    changes: dict[str, Any] = {"state": to.value}
    if to in (ReplayState.RUNNING, ReplayState.CANCELLED):
        changes["next_step_at"] = at  # what a cancelled one has left is swept by the pump
    if to is ReplayState.DONE:
        changes["next_step_at"] = None
    if to in (ReplayState.DONE, ReplayState.CANCELLED):
        changes["ended_at"] = at
    moved = Replay.objects.filter(pk=replay_id, state__in=REPLAY_FROM[to]).update(**changes)
    if moved and to is ReplayState.RUNNING:
        Replay.objects.filter(pk=replay_id, started_at=None).update(started_at=at)
    return bool(moved)


def move_items(
    ids: Iterable[int],
    to: ItemState,
    *,
    at: datetime,
    each: Mapping[int, Mapping[str, Any]] | None = None,
    **same: Any,
) -> list[int]:
    """Move items; the ids that moved, sorted.

    `same` are further columns for all of them, `each` for one (the same names for every id).
    """
    moved = list(
        among(Item.objects.select_for_update(), "id", sorted(set(ids)))
        .filter(state__in=ITEM_FROM[to])
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    if not moved:
        return []
    columns = {"state": to.value, "settled_at": at if to in _SETTLED else None, **same}
    if each:
        _set_each(moved, each, columns)
    else:
        among(Item.objects.all(), "id", moved).update(**columns)
    return moved


def note_items(each: Mapping[int, Mapping[str, Any]]) -> None:
    """Set columns of items without moving them (the same names for every id)."""
    if each:
        _set_each(sorted(each), each, {})


def _set_each(
    ids: list[int], each: Mapping[int, Mapping[str, Any]], same: Mapping[str, Any]
) -> None:
    """One prepared UPDATE run for many rows, each with its own values beside the same ones."""
    names = sorted(each[ids[0]])
    quoted = [connection.ops.quote_name(str(_field(name).column)) for name in (*same, *names)]
    columns = ", ".join(f"{column} = %s" for column in quoted)
    prepared = [_plain(name, value) for name, value in same.items()]
    values = [[*prepared, *(_plain(name, each[pk][name]) for name in names), pk] for pk in ids]
    with connection.cursor() as cursor:
        # column names come from the model, never from a caller's data
        cursor.executemany(f"UPDATE dlq_item SET {columns} WHERE id = %s", values)  # noqa: S608


def _field(name: str) -> "Field[Any, Any]":
    return cast("Field[Any, Any]", Item._meta.get_field(name))


def _plain(name: str, value: Any) -> Any:
    """A value as the database takes it; texts and numbers are that already."""
    if isinstance(value, str | int):
        return value
    return _field(name).get_db_prep_save(value, connection)
