"""Which letter a death belongs to, in any order of arrival; what a letter is made of."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import permutations

import pytest
from pytest_django import DjangoAssertNumQueries

from brokers import config as configuration
from brokers.config import BrokerConfig, Config, Value
from brokers.contract import Entry
from dlq import intake, states
from dlq.models import Death, Group, Item, Letter
from dlq.words import LetterState
from kit.writes import writing
from tests.dlq import rows
from tests.dlq.letters import dead, poison
from tracing.models import Receipt

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _shop() -> Iterator[None]:
    configuration.use(
        lambda: Config(
            brokers=(BrokerConfig(name="shop", url="redis://127.0.0.1:1/0"),),
            keys={"order": "/order_id"},
            value=Value(amount="/total", currency="/currency", default_currency="EUR"),
        )
    )
    yield
    configuration.use(Config)


def take(*entries: Entry) -> int:
    with writing():
        return intake.take(entries)


def test_a_letter_holds_what_its_entry_says() -> None:
    assert take(dead(7)) == 1
    letter = Letter.objects.get()
    assert (letter.consumer, letter.topic, letter.stream, letter.position) == (
        "payment",
        "orders",
        "orders.0",
        "7-0",
    )
    assert (letter.source, letter.event_id, letter.type) == ("/orders", "e-7", "OrderPlaced")
    assert (letter.flow_id, letter.lane, letter.label) == ("flow-7", "order-7", "order:7")
    assert (letter.amount, letter.currency) == (Decimal("89.90"), "EUR")
    assert (letter.reason, letter.attempts, letter.release) == ("attempts", 5, "1.8.0")
    assert (letter.state, letter.deaths, letter.version) == ("dead", 1, 1)
    assert bytes(letter.payload or b"") == dead(7).body


def test_the_original_headers_are_kept_and_the_machines_own_taken_off() -> None:
    take(dead(7, attempt="foreign-1"))
    headers = Letter.objects.get().headers
    assert headers["x-channel"] == "app"
    assert headers["ce-id"] == "e-7"
    assert not [name for name in headers if name.startswith(("dead-letter", "cascade"))]


def test_a_group_counts_its_letters_and_their_money() -> None:
    take(dead(1), dead(2, seconds=60), dead(3, seconds=-60))
    group = Group.objects.get()
    assert (group.frame, group.message, group.error_type) == (
        "order_amount()",
        "'currency'",
        "KeyError",
    )
    assert (group.letters, group.open_letters, group.open_amount) == (3, 3, Decimal("269.70"))
    assert (group.last_at - group.first_at).total_seconds() == 120
    assert group.currency == "EUR"


def test_taking_an_entry_again_changes_nothing() -> None:
    take(dead(1), dead(2))
    assert take(dead(1), dead(2)) == 0
    assert take(dead(2), dead(3)) == 1
    assert Letter.objects.count() == Death.objects.count() == 3
    assert Group.objects.get().open_letters == 3


def test_the_same_original_position_again_is_a_copy_of_one_death() -> None:
    take(dead(1, order=1))
    take(dead(2, order=1))
    letter = Letter.objects.get()
    assert (letter.deaths, letter.version) == (1, 1)
    assert list(Death.objects.values_list("number", flat=True)) == [1, 1]
    assert Group.objects.get().open_letters == 1


def test_two_consumers_of_one_message_are_two_letters() -> None:
    take(dead(1, order=1), dead(2, order=1, consumer="analytics"))
    assert sorted(Letter.objects.values_list("consumer", flat=True)) == ["analytics", "payment"]


def test_the_same_event_from_another_position_is_one_more_death() -> None:
    take(dead(1, order=1))
    take(dead(2, order=1, original="900-0", seconds=30))
    letter = Letter.objects.get()
    assert (letter.deaths, letter.version, letter.position) == (2, 2, "900-0")
    assert letter.died_at == rows.NOW.replace(second=50)
    assert letter.first_died_at == rows.NOW


def test_our_stamp_finds_the_letter_even_of_a_message_without_identity() -> None:
    take(poison(1))
    letter = Letter.objects.get()
    rows.item(rows.replay(state="running"), letter, state="sent", attempt="try-1")
    again = dead(9, consumer="inventory", attempt="try-1", quoted=False)
    take(again)
    letter.refresh_from_db()
    assert (Letter.objects.count(), letter.deaths) == (1, 2)
    assert Death.objects.get(number=2).replay_attempt == "try-1"


def test_a_position_our_replay_returned_finds_the_letter() -> None:
    take(poison(1))
    letter = Letter.objects.get()
    rows.item(
        rows.replay(state="running"),
        letter,
        state="sent",
        attempt="try-1",
        sent_stream="supplier.1",
        sent_position="77-0",
    )
    take(poison(77))
    letter.refresh_from_db()
    assert (Letter.objects.count(), letter.deaths) == (1, 2)


def test_an_entry_made_pending_again_that_dies_is_a_new_death_and_not_a_copy() -> None:
    take(dead(1, order=1))
    letter = Letter.objects.get()
    rows.item(
        rows.replay(state="running", started_at=rows.NOW.replace(minute=40)),
        letter,
        state="sent",
        target="repend",
        attempt="try-1",
        sent_stream="orders.0",
        sent_position="1-0",
    )
    take(dead(2, order=1, seconds=10))  # before the replay: a copy
    letter.refresh_from_db()
    assert letter.deaths == 1
    take(dead(3, order=1, seconds=600))
    letter.refresh_from_db()
    assert letter.deaths == 2
    assert Death.objects.get(number=2).replay_attempt == "try-1"


@pytest.mark.parametrize("state", ["mended", "discarded"])
def test_a_closed_letter_that_dies_again_is_open_again(state: str) -> None:
    take(dead(1, order=1), dead(5))
    letter = Letter.objects.get(event_id="e-1")
    with writing():
        states.move_letters([letter.pk], LetterState(state), at=rows.NOW)
    take(dead(2, order=1, original="900-0", seconds=30))
    letter.refresh_from_db()
    assert (letter.state, letter.settled_at, letter.deaths) == ("dead", None, 2)
    assert Group.objects.get().open_letters == 2
    assert Group.objects.get().letters == 2


def test_a_letter_in_replay_that_dies_again_is_left_to_the_one_who_verifies() -> None:
    take(dead(1, order=1))
    letter = Letter.objects.get()
    with writing():
        states.move_letters([letter.pk], LetterState.REPLAYING, at=rows.NOW)
    item = rows.item(rows.replay(state="running"), letter, state="sent", attempt="try-1")
    take(dead(2, order=1, original="900-0", attempt="try-1", seconds=30))
    letter.refresh_from_db()
    item.refresh_from_db()
    assert (letter.state, letter.deaths, item.state) == ("replaying", 2, "sent")
    assert Group.objects.get().open_letters == 1


def test_a_copy_that_was_removed_and_lies_there_again_reopens_its_letter() -> None:
    take(dead(1))
    Death.objects.update(removed_at=rows.NOW)
    with writing():
        states.move_letters([Letter.objects.get().pk], LetterState.MENDED, at=rows.NOW)
    take(dead(1))
    assert Letter.objects.get().state == "dead"
    assert Death.objects.get().removed_at is None
    assert Group.objects.get().open_letters == 1


@pytest.mark.parametrize("state", ["mended", "discarded"])
def test_a_late_copy_of_a_closed_death_reopens_its_letter(state: str) -> None:
    take(dead(1, order=1))
    letter = Letter.objects.get()
    Death.objects.update(removed_at=rows.NOW)
    with writing():
        states.move_letters([letter.pk], LetterState(state), at=rows.NOW)
    take(dead(2, order=1))
    letter.refresh_from_db()
    assert (letter.state, letter.settled_at, letter.deaths) == ("dead", None, 1)
    assert Death.objects.filter(removed_at=None).count() == 1
    assert Group.objects.get().open_letters == 1


def test_dying_of_another_cause_moves_the_letter_to_that_group() -> None:
    take(dead(1, order=1), dead(2))
    take(dead(3, order=1, original="900-0", seconds=30, message="card expired", stack=""))
    old, new = Group.objects.order_by("pk")
    assert (old.open_letters, old.open_amount) == (1, Decimal("89.90"))
    assert (new.message, new.open_letters, new.letters) == ("card expired", 1, 1)
    assert Letter.objects.get(event_id="e-1").group == new


def test_a_message_that_is_no_envelope_is_a_letter_too() -> None:
    take(poison(1), poison(2, quoted=False))
    quoted, bare = Letter.objects.order_by("dead_position")
    assert (quoted.consumer, quoted.stream, quoted.position) == ("inventory", "supplier.1", "1-0")
    assert (quoted.source, quoted.event_id, quoted.reason) == ("", "", "malformed")
    assert quoted.error_type == "Malformed"
    assert quoted.error_message
    assert (bare.stream, bare.amount) == ("", None)
    assert Group.objects.get().open_letters == 2


def test_an_entry_without_any_mark_is_a_letter_of_its_queue() -> None:
    entry = dead(1)
    bare = {k: v for k, v in entry.headers.items() if not k.startswith("dead-letter-")}
    take(Entry("shop", entry.stream, "orders", "5-0", rows.NOW, bare, entry.body))
    letter = Letter.objects.get()
    assert (letter.consumer, letter.topic, letter.stream) == ("payment", "orders", "")
    assert letter.died_at == rows.NOW


def test_what_a_database_cannot_hold_is_written_out() -> None:
    entry = dead(1, message="bad \0 byte \ud800")
    headers = {**entry.headers, "x-odd": "a\0b"}
    take(Entry("shop", entry.stream, "orders", "6-0", rows.NOW, headers, b"\xff\0"))
    letter = Letter.objects.get()
    assert letter.error_message == "bad \\x00 byte \\ud800"
    assert letter.headers["x-odd"] == "a\\x00b"


def _rows() -> object:
    letters = Letter.objects.order_by("identity_key").values_list(
        "identity_key", "deaths", "died_at", "first_died_at", "position", "error_message", "state"
    )
    groups = Group.objects.order_by("fingerprint").values_list(
        "fingerprint", "open_letters", "open_amount"
    )
    return list(letters), list(groups)


def test_any_order_of_arrival_gives_the_same_rows() -> None:
    entries = [
        dead(1, order=1),
        dead(2, order=1, original="900-0", seconds=30, message="card expired", stack=""),
        dead(3, order=1),
        dead(4, order=4),
    ]
    seen = []
    for order in permutations(entries):
        for size in (1, 4):
            for start in range(0, 4, size):
                take(*order[start : start + size])
            seen.append(_rows())
            for model in (Receipt, Item, Death, Letter, Group):
                model.objects.all().delete()
    assert all(each == seen[0] for each in seen)


def test_every_death_is_told_to_the_cascade_once() -> None:
    take(dead(1, order=1))
    take(dead(2, order=1))
    take(dead(3, order=1, original="900-0", seconds=30))
    told = Receipt.objects.filter(origin="letter")
    assert (
        list(told.values_list("outcome", "flow_id", "consumer"))
        == [("dead_lettered", "flow-1", "payment")] * 2
    )
    assert {row.letter_id for row in told} == {Letter.objects.get().pk}


def test_more_entries_take_no_more_statements(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_max_num_queries(30):
        take(*[dead(n) for n in range(1, 6)])
    with django_assert_max_num_queries(60):  # Django gives SQLite 999 values a statement
        take(*[dead(n) for n in range(100, 600)])
