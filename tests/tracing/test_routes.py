"""What is learned of who publishes what and who handles it: the same however often and in
whatever order it is told."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from tests.tracing.making import SOURCE, at, event, receipt
from tests.tracing.seeding import seed
from tracing import routes, summariser
from tracing.models import Flow, Route
from tracing.rows import EventRow, ReceiptRow
from tracing.ways import Way, ways

PLACED = event("placed", "OrderPlaced", 0, broker="shop", topic="orders")
CAPTURED = event("captured", "PaymentCaptured", 2, "placed", broker="shop", topic="payments")
HANDLED = receipt("placed", "payment", "succeeded", 1, published=("captured",))
DIED = receipt("placed", "mail", "dead_lettered", 1, origin="letter", letter_id=7)
EXPECTED = {
    Way("shop", "orders", "OrderPlaced", SOURCE, ""): at(0),
    Way("shop", "payments", "PaymentCaptured", SOURCE, "payment"): at(2),
    Way("shop", "orders", "OrderPlaced", "", "payment"): at(1.1),
}


def stored() -> set[tuple[object, ...]]:
    """Every way that is kept, with its time."""
    return set(Route.objects.values_list(*Way._fields, "last_at"))


CLAIMED = receipt("captured", "thief", "succeeded", 3, published=("captured",))
EXPECTED_CLAIMED = EXPECTED | {Way("shop", "payments", "PaymentCaptured", "", "thief"): at(3.1)}


@given(st.permutations([PLACED, CAPTURED, PLACED]), st.permutations([HANDLED, DIED, HANDLED]))
def test_ways_are_the_same_in_any_order(events: list[EventRow], receipts: list[ReceiptRow]) -> None:
    assert ways(events, receipts) == EXPECTED


@given(st.permutations([HANDLED, CLAIMED]))
def test_two_that_claim_one_event_are_one_way_in_any_order(receipts: list[ReceiptRow]) -> None:
    assert ways([PLACED, CAPTURED], receipts) == EXPECTED_CLAIMED


@pytest.mark.django_db
def test_the_summariser_learns_once_what_it_recomputes_often() -> None:
    seed([PLACED, CAPTURED], [HANDLED, DIED])
    summariser.summarise_all()
    first = stored()
    assert first == {(*way, when) for way, when in EXPECTED.items()}
    for _ in range(2):
        Flow.objects.update(dirty_since=at(0))
        summariser.summarise_all()
    assert stored() == first


@pytest.mark.django_db
def test_a_way_keeps_its_latest_time() -> None:
    late = event("later", "OrderPlaced", 3600, broker="shop", topic="orders")
    routes.learn([late], [])
    routes.learn([PLACED], [])
    assert [row.last_at for row in Route.objects.all()] == [at(3600)]
    later = event("last", "OrderPlaced", 7200, broker="shop", topic="orders")
    routes.learn([later], [])
    assert routes.known(at(7000)) == [
        (Way("shop", "orders", "OrderPlaced", SOURCE, ""), at(7200)),
    ]
    assert routes.known(at(7300)) == []


@pytest.mark.django_db
def test_a_known_way_costs_one_query_and_no_write() -> None:
    routes.learn([PLACED, CAPTURED], [HANDLED])
    with CaptureQueriesContext(connection) as asked:
        routes.learn([PLACED, CAPTURED], [HANDLED])
    assert len(asked) == 1


@pytest.mark.django_db
def test_sources_without_end_are_forgotten_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "ROUTES", 10)
    for n in range(15):
        routes.learn([event(f"e{n}", f"Type{n}", n * 100)], [])
    kept = set(Route.objects.values_list("type", flat=True))
    assert kept == {f"Type{n}" for n in range(5, 15)}


@pytest.mark.django_db
def test_rates_are_of_the_newest_events() -> None:
    way, other = Way("shop", "orders", "OrderPlaced", SOURCE, ""), Way("", "", "Rare", "s", "")
    assert routes.rates(at(0)).of(way) is None  # nothing was looked at
    kind = {"broker": "shop", "topic": "orders"}
    seed([event("old", "OrderPlaced", -9999, **kind)], [])
    seed([event(f"e{n}", "OrderPlaced", n * 6, **kind) for n in range(51)], [])
    found = routes.rates(at(300))
    assert found.of(way) == pytest.approx(51 / 5)
    assert found.of(other) == 0.0
    assert routes.rates(at(0) + timedelta(days=1)).of(way) is None


@pytest.mark.django_db
def test_what_the_newest_events_do_not_tell_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "RECENT", 20)
    seed([event(f"e{n}", "Busy", n, broker="b", topic="t") for n in range(60)], [])
    found = routes.rates(at(60))
    assert found.of(Way("b", "t", "Busy", SOURCE, "")) == pytest.approx(60)
    assert found.of(Way("b", "t", "Quiet", SOURCE, "")) is None
