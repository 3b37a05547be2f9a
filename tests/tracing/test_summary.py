"""The status of a flow, pure, and the summariser that keeps it true."""

import io
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st

from brokers import config
from kit import clock
from tests.tracing.making import at, event, receipt, shop
from tests.tracing.seeding import seed
from tracing import summariser
from tracing.models import Event, Flow, FlowKey, FlowType
from tracing.rows import EventRow, ReceiptRow
from tracing.summary import Ends, Status, Summary, summarise

ENDS = Ends(frozenset({"OrderShipped", "OrderCancelled"}), timedelta(seconds=300))
OPEN = Ends(frozenset(), timedelta(seconds=300))
PLACED = event("placed", "OrderPlaced", 0)
SHIPPED = event("shipped", "OrderShipped", 9, "placed")
DEAD = receipt("placed", "payment", "dead_lettered", 2, attempt=5)
REPLAYED = receipt("placed", "payment", "replayed", 60, origin="letter", letter_id=7)
AGAIN = receipt("placed", "payment", "succeeded", 61, replay_attempt="r1")
DISCARDED = receipt("placed", "payment", "discarded", 60, origin="letter", letter_id=7)


def summary(
    events: list[EventRow], receipts: list[ReceiptRow], now: datetime, ends: Ends = ENDS
) -> Summary:
    """The summary, which must be there."""
    found = summarise(events, receipts, ends, now)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("events", "receipts", "second", "status"),
    [
        ([PLACED], [], 10, Status.RUNNING),
        ([PLACED], [], 301, Status.QUIET),
        ([PLACED, SHIPPED], [], 10, Status.COMPLETE),
        ([PLACED, SHIPPED], [receipt("placed", "slow", "started", 1)], 10, Status.COMPLETE),
        ([PLACED], [DEAD], 10, Status.FAILED),
        ([PLACED], [DEAD], 9999, Status.FAILED),
        ([PLACED, SHIPPED], [DEAD], 10, Status.FAILED),
        ([PLACED], [DEAD, REPLAYED], 61, Status.FAILED),
        ([PLACED], [DEAD, REPLAYED, AGAIN], 62, Status.RUNNING),
        ([PLACED, SHIPPED], [DEAD, REPLAYED, AGAIN], 62, Status.MENDED),
        ([PLACED], [DEAD, REPLAYED, AGAIN], 9999, Status.MENDED),
        ([PLACED], [DEAD, DISCARDED], 9999, Status.QUIET),
        ([PLACED], [receipt("placed", "payment", "retrying", 1)], 10, Status.RUNNING),
    ],
)
def test_the_status(
    events: list[EventRow], receipts: list[ReceiptRow], second: float, status: Status
) -> None:
    found = summary(events, receipts, at(second))
    assert found.status is status
    assert (found.ended_at is not None) == (status in (Status.COMPLETE, Status.MENDED))
    assert (found.recheck_at is not None) == (status is Status.RUNNING)


def test_an_open_system_without_a_declared_end_is_never_complete() -> None:
    assert summary([PLACED, SHIPPED], [], at(10), OPEN).status is Status.RUNNING
    assert summary([PLACED, SHIPPED], [], at(9999), OPEN).status is Status.QUIET


def test_the_reason_says_who_gave_up() -> None:
    found = summary([PLACED], [DEAD], at(10))
    assert (found.reason, found.open_letters) == ("payment gave up after 5 attempts", 1)


@given(st.data())
def test_the_summary_is_independent_of_arrival(data: st.DataObject) -> None:
    events, receipts, _ = shop()
    shuffled = data.draw(st.permutations(events)), data.draw(st.permutations(receipts))
    assert summary(list(shuffled[0]), list(shuffled[1]), at(9)) == summary(events, receipts, at(9))


@pytest.fixture
def shop_config(monkeypatch: pytest.MonkeyPatch) -> config.Config:
    """The configuration of the shop, without a broker."""
    made = config.Config(
        flows=config.Flows(terminal=("OrderShipped",), quiet_after_s=300),
        keys={"order": "/order_id", "package": "/package"},
        value=config.Value(amount="/total", currency="/currency", default_currency="EUR"),
    )
    monkeypatch.setattr(summariser, "current", lambda: made)
    return made


@pytest.mark.django_db(transaction=True)
def test_the_summariser_fills_the_row(shop_config: config.Config) -> None:
    events, receipts, _ = shop()
    seed(events, receipts, keys=("order:4711", "package:8"), body=b'{"total": "89.90"}')
    assert summariser.summarise_all() == 1
    flow = Flow.objects.get()
    assert (flow.status, flow.label, flow.root_type) == ("complete", "order:4711", "OrderPlaced")
    assert (flow.amount, flow.currency) == (Decimal("89.90"), "EUR")
    assert (flow.events, flow.deliveries, flow.open_letters) == (5, 6, 0)
    assert (flow.started_at, flow.ended_at, flow.dirty_since) == (at(0), at(5), None)
    assert set(FlowType.objects.values_list("type", flat=True)) == {row.type for row in events}


@pytest.mark.django_db(transaction=True)
def test_time_alone_makes_a_flow_quiet(shop_config: config.Config) -> None:
    seed([event("placed", "OrderPlaced", 0, published_at=clock.now())], [])
    summariser.summarise_all()
    flow = Flow.objects.get()
    assert flow.status == "running"
    assert flow.recheck_at is not None
    assert summariser.summarise_batch() == 0
    long_ago = clock.now() - timedelta(hours=1)
    Event.objects.update(published_at=long_ago)
    Flow.objects.update(recheck_at=long_ago)
    assert summariser.summarise_batch() == 1
    assert Flow.objects.get().status == "quiet"
    assert summariser.summarise_batch() == 0


@pytest.mark.django_db(transaction=True)
def test_more_than_a_batch_is_done_and_types_are_written_once(shop_config: config.Config) -> None:
    for number in range(summariser.BATCH + 3):
        seed([event(f"e{number}", "OrderPlaced", 0, flow_id=f"f{number}")], [])
    assert summariser.summarise_all() == summariser.BATCH + 3
    Flow.objects.update(dirty_since=clock.now())
    assert summariser.summarise_all() == summariser.BATCH + 3
    assert FlowType.objects.count() == summariser.BATCH + 3
    assert not FlowKey.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_command_ends_when_nothing_is_dirty(shop_config: config.Config) -> None:
    seed([PLACED], [DEAD])
    out = io.StringIO()
    call_command("summarise", "--once", stdout=out)
    assert out.getvalue() == "1 flow summarised\n"
    assert Flow.objects.get().status == "failed"


@pytest.mark.django_db(transaction=True)
def test_told_to_stop_it_finishes_its_batch_and_ends(
    shop_config: config.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed([PLACED], [])
    stop = threading.Event()
    batch = summariser.summarise_batch

    def told_meanwhile() -> int:
        stop.set()
        return batch()

    monkeypatch.setattr(summariser, "summarise_batch", told_meanwhile)
    summariser.run(stop)
    assert Flow.objects.get().dirty_since is None


@pytest.mark.django_db(transaction=True)
def test_a_flow_that_cannot_be_summarised_is_in_no_others_way(
    shop_config: config.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed([event("bad", "OrderPlaced", 0, flow_id="bad")], [])
    seed([event("good", "OrderPlaced", 0, flow_id="good")], [])

    def breaks(events: Sequence[EventRow], *rest: Any) -> Summary | None:
        if events[0].flow_id == "bad":
            raise ArithmeticError
        return summarise(events, *rest)

    monkeypatch.setattr("tracing.summariser.summarise", breaks)
    assert summariser.summarise_all() == 2
    good, bad = Flow.objects.get(flow_id="good"), Flow.objects.get(flow_id="bad")
    assert (good.events, good.dirty_since) == (1, None)
    assert (bad.events, bad.dirty_since) == (0, None)
    assert bad.recheck_at is not None
    assert bad.recheck_at > clock.now()
