"""Nothing moves except by the table, and the groups' counts are right after every move."""

from decimal import Decimal
from itertools import pairwise

import pytest
from django.db.models import Sum
from pytest_django import DjangoAssertNumQueries

from dlq import states
from dlq.models import Group, Item, Letter
from dlq.words import OPEN_LETTERS, ItemState, LetterState, ReplayState
from kit.writes import writing
from tests.dlq import rows

pytestmark = pytest.mark.django_db


def _counted(group: Group) -> None:
    group.refresh_from_db()
    mine = Letter.objects.filter(group=group, state__in=OPEN_LETTERS)
    assert group.open_letters == mine.count()
    assert group.open_amount == (mine.aggregate(sum=Sum("amount"))["sum"] or 0)


@pytest.mark.parametrize("to", list(LetterState))
@pytest.mark.parametrize("start", list(LetterState))
def test_a_letter_moves_only_as_the_table_says(start: LetterState, to: LetterState) -> None:
    letter = rows.letter(state=start)
    rows.letter(letter.group)
    with writing():
        moved = states.move_letters([letter.pk], to, at=rows.NOW)
    letter.refresh_from_db()
    allowed = start in states.LETTER_FROM[to]
    assert moved == ([letter.pk] if allowed else [])
    assert letter.state == (to if allowed else start)
    assert letter.version == (2 if allowed else 1)
    assert letter.settled_at == (rows.NOW if allowed and to not in OPEN_LETTERS else None)
    _counted(letter.group)


def test_a_way_through_all_states_keeps_the_counts() -> None:
    group = rows.group()
    ids = [rows.letter(group).pk for _ in range(3)]
    way = ["dead", "replaying", "maybe_sent", "mended", "dead", "discarded", "dead"]
    for _, to in pairwise(way):
        with writing():
            states.move_letters(ids, LetterState(to), at=rows.NOW)
        _counted(group)


def test_a_letter_changed_since_is_left_out_and_named() -> None:
    first, second = rows.letter(), rows.letter(version=7)
    with writing():
        moved = states.move_letters(
            [first.pk, second.pk],
            LetterState.REPLAYING,
            at=rows.NOW,
            versions={first.pk: 1, second.pk: 6},
        )
    assert moved == [first.pk]


def test_an_amount_in_another_currency_is_not_added() -> None:
    group = rows.group()
    rows.letter(group, amount=Decimal("5.00"), currency="EUR")
    rows.letter(group, amount=Decimal("900.00"), currency="JPY")
    rows.letter(group, amount=None, currency="")
    group.refresh_from_db()
    assert (group.open_letters, group.open_amount, group.currency) == (3, Decimal("5.00"), "EUR")


def test_a_group_learns_its_currency_from_the_first_amount() -> None:
    group = rows.group()
    rows.letter(group, amount=None, currency="")
    group.refresh_from_db()
    assert group.currency == ""
    rows.letter(group, amount=Decimal("2.50"), currency="USD")
    group.refresh_from_db()
    assert (group.currency, group.open_amount) == ("USD", Decimal("2.50"))


@pytest.mark.parametrize("to", list(ReplayState))
@pytest.mark.parametrize("start", list(ReplayState))
def test_a_replay_moves_only_as_the_table_says(start: ReplayState, to: ReplayState) -> None:
    replay = rows.replay(state=start)
    with writing():
        moved = states.move_replay(replay.pk, to, at=rows.NOW)
    replay.refresh_from_db()
    assert moved == (start in states.REPLAY_FROM[to])
    assert replay.state == (to if moved else start)


def test_a_replay_keeps_the_time_of_its_first_start() -> None:
    replay = rows.replay(started_at=None)
    with writing():
        states.move_replay(replay.pk, ReplayState.RUNNING, at=rows.NOW)
        states.move_replay(replay.pk, ReplayState.PAUSED, at=rows.NOW)
        later = rows.NOW.replace(hour=15)
        states.move_replay(replay.pk, ReplayState.RUNNING, at=later)
    replay.refresh_from_db()
    assert (replay.started_at, replay.next_step_at) == (rows.NOW, later)


@pytest.mark.parametrize("to", list(ItemState))
@pytest.mark.parametrize("start", list(ItemState))
def test_an_item_moves_only_as_the_table_says(start: ItemState, to: ItemState) -> None:
    letter = rows.letter()
    item = rows.item(rows.replay(), letter, state=start)
    with writing():
        moved = states.move_items([item.pk], to, at=rows.NOW, evidence="seen")
    item.refresh_from_db()
    allowed = start in states.ITEM_FROM[to]
    assert moved == ([item.pk] if allowed else [])
    assert (item.state, item.evidence) == ((to, "seen") if allowed else (start, ""))


def test_items_take_columns_of_their_own_when_they_move() -> None:
    replay = rows.replay(rows.letter(), rows.letter(), rows.letter())
    ids = list(Item.objects.filter(replay=replay).values_list("pk", flat=True))
    each = {pk: {"attempt": f"a-{pk}", "sent_at": rows.NOW} for pk in ids}
    with writing():
        states.move_items(ids, ItemState.SENDING, at=rows.NOW, each=each, target="mark")
    for item in Item.objects.filter(replay=replay):
        assert (item.attempt, item.sent_at, item.target) == (f"a-{item.pk}", rows.NOW, "mark")


def test_every_state_that_is_an_outcome_bears_the_time_it_was_reached() -> None:
    item = rows.item(rows.replay(), rows.letter(), state="sent")
    with writing():
        states.move_items([item.pk], ItemState.NO_RECEIPT, at=rows.NOW)
    item.refresh_from_db()
    assert item.settled_at == rows.NOW


def test_moving_many_takes_a_fixed_number_of_queries(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    group = rows.group()
    ids = [rows.letter(group).pk for _ in range(40)]
    with writing(), django_assert_max_num_queries(7):
        states.move_letters(ids, LetterState.REPLAYING, at=rows.NOW)
        states.move_letters(ids, LetterState.MENDED, at=rows.NOW)
