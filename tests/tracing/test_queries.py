"""What other features ask of tracing."""

from datetime import datetime

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from tests.tracing.making import appearance, at, event, ident, receipt, shop
from tests.tracing.seeding import seed
from tracing import queries
from tracing.models import Flow, Receipt

pytestmark = pytest.mark.django_db


def test_one_event_and_its_effects() -> None:
    events, receipts, _ = shop()
    seed(events, receipts)
    found = queries.event(ident("captured"))
    assert found == events[2]
    assert queries.event(ident("never")) is None
    effects = queries.published_by(ident("placed"), "payment")
    assert [row.type for row in effects] == ["PaymentCaptured"]
    assert queries.published_by(ident("placed"), "analytics") == []


def test_receipts_of_a_delivery_and_of_attempts() -> None:
    stamped = receipt("e", "c", "succeeded", 9, replay_attempt="r1", error_stack="stack")
    letter = receipt("e", "c", "replayed", 8, origin="letter", replay_attempt="r1")
    seed([event("e", "E", 0)], [receipt("e", "c", "dead_lettered", 1), letter, stamped])
    assert [row.outcome for row in queries.receipts_of(ident("e"), "c")] == [
        "dead_lettered",
        "replayed",
        "succeeded",
    ]
    assert queries.receipts_of(ident("e"), "c")[2].error_stack == "stack"
    (told,) = queries.outcomes_of_attempts(["r1", "r2", ""])
    assert (told.replay_attempt, told.consumer, told.outcome) == ("r1", "c", "succeeded")


def test_receipts_of_attempts_are_found_by_their_index() -> None:
    rows = Receipt.objects.filter(replay_attempt__in=["r1"]).exclude(replay_attempt="")
    if connection.vendor == "sqlite":
        assert "receipt_replay" in rows.explain()


def test_superseded_is_newer_of_the_same_key_and_topic_handled_by_the_same_consumer() -> None:
    lane = {"partition_key": "order:1", "topic": "orders"}
    old = event("old", "OrderPlaced", 0, **lane)
    new = event("new", "OrderCancelled", 5, **lane)
    other = event("other", "PaymentCaptured", 6, partition_key="order:1", topic="payments")
    seed(
        [old, new, other],
        [
            receipt("new", "notification", "succeeded", 6),
            receipt("other", "fulfilment", "succeeded", 7),
            receipt("old", "payment", "succeeded", 1),
        ],
    )
    members = [
        ("order:1", ident("old"), at(0), consumer)
        for consumer in ("notification", "fulfilment", "payment")
    ]
    assert queries.newer_handled(members) == {
        (ident("old"), "notification"): "notification has handled OrderCancelled of 14:23:09"
    }
    assert queries.newer_handled([("order:1", ident("new"), at(5), "notification")]) == {}
    assert queries.newer_handled([("", ident("old"), at(0), "notification")]) == {}


def test_a_busy_lane_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "LATER_EVENTS", 10)
    busy = [event(f"b{n}", "E", 20 + n, partition_key="busy", topic="t") for n in range(30)]
    calm = [event(name, "E", n, partition_key="calm", topic="t") for n, name in enumerate("xy")]
    seed([*calm, *busy], [receipt("y", "c", "succeeded", 2)])
    members = [("busy", ident("b0"), at(20), "c"), ("calm", ident("x"), at(0), "c")]
    assert list(queries.newer_handled(members)) == [(ident("x"), "c")]


def test_newer_handled_asks_a_fixed_number_of_queries_a_chunk(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    events = [event(f"e{n}", "E", n, partition_key=f"k{n}", topic="t") for n in range(50)]
    seed(events, [])
    members = [(row.partition_key, row.identity, row.published_at, "c") for row in events]
    with django_assert_num_queries(3):
        assert queries.newer_handled(members) == {}


def test_the_cascade_of_a_flow_with_a_cause_from_another(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    events, receipts, _ = shop()
    seed(
        [*events, event("label", "LabelCreated", 6, "shipped", "elsewhere")],
        receipts,
        [appearance("placed", "1-0")],
    )
    seed([event("elsewhere", "TruckLoaded", 3, flow_id="truck")], [])
    with django_assert_num_queries(6):
        cascade = queries.cascade_of("f")
    assert cascade is not None
    assert [node.name for node in cascade.events if node.outside] == ["TruckLoaded"]
    assert len(cascade.events) == 7
    assert queries.cascade_of("nothing") is None


def test_throughput_counts_starts_and_ends_by_the_minute() -> None:
    for number in range(6):
        ended = minute(number + 0.5) if number % 2 else None
        Flow.objects.create(flow_id=str(number), started_at=minute(number / 2), ended_at=ended)
    found = queries.throughput(minute(0), minute(4))
    assert found == [(minute(0), 2, 0), (minute(1), 2, 1), (minute(2), 2, 0), (minute(3), 0, 1)]


def test_throughput_leaves_out_what_it_did_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "THROUGHPUT_ROWS", 3)
    for number in range(6):
        Flow.objects.create(flow_id=str(number), started_at=minute(number))
    assert queries.throughput(minute(0), minute(6)) == [(minute(4), 1, 0), (minute(5), 1, 0)]


def minute(number: float) -> datetime:
    """So many minutes after a whole one."""
    return at(0).replace(second=0) + number * queries.MINUTE
