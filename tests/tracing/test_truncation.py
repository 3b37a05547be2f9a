"""What a cut flow says when more of it comes in, and what a broker delivers again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from kit import clock
from tests.tracing.arriving import START, event, receipt, take
from tests.tracing.keeping import aged, configured, flow, left, order, summarised, sweep
from tracing.models import Appearance, Event, FlowConsumer, FlowType, Receipt
from tracing.retention import keeping, room

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No other feature holds flows."""
    monkeypatch.setattr(keeping, "_holders", [])


@pytest.fixture
def thirty_days() -> Iterator[None]:
    with configured(events="30d", receipts="40d", summaries="180d"):
        yield


LATE = "a late one"


@pytest.mark.parametrize(
    ("types", "late", "status"),
    [
        (("OrderShipped",), "ParcelScanned", "complete"),  # and not running again
        ((), "OrderShipped", "complete"),  # it lived on, and ended
        ((), "ParcelScanned", "running"),
    ],
)
def test_what_comes_later_cannot_undo_how_a_cut_flow_ended(
    thirty_days: None, types: tuple[str, ...], late: str, status: str
) -> None:
    order(1, *types)
    summarised()
    aged(31 * DAY, NOW)
    sweep()
    now = clock.now() - START
    headers = {"ce-type": late, "ce-correlationid": "flow-1"}
    take(event(LATE, int(now.total_seconds() * 1000), **headers))
    summarised()
    found = flow(1)
    assert found.status == status
    assert (found.root_type, found.events) == ("OrderPlaced", len(types) + 2)
    named = set(FlowType.objects.filter(flow_id="flow-1").values_list("type", flat=True))
    assert named == {"OrderPlaced", *types, late}  # what is gone still finds it
    assert FlowConsumer.objects.filter(flow_id="flow-1", consumer="payment").exists()
    assert found.started_at == START + timedelta(milliseconds=100)


def test_a_late_failure_is_still_told(thirty_days: None) -> None:
    order(1, "OrderShipped")
    summarised()
    aged(31 * DAY, NOW)
    sweep()
    later = int((clock.now() - START).total_seconds() * 1000)
    take(event(LATE, later, **{"ce-type": "ParcelScanned", "ce-correlationid": "flow-1"}))
    started = clock.rfc3339(clock.now())
    take(receipt(LATE, later, "dead_lettered", started_at=started))
    summarised()
    assert flow(1).status == "failed"


def test_what_a_broker_delivers_again_does_not_come_back(thirty_days: None) -> None:
    order(1, "OrderShipped")
    summarised()
    before = flow(1)
    aged(31 * DAY, NOW)
    sweep()
    order(1, "OrderShipped")  # the whole stream is read again
    summarised()
    assert left() == set()
    assert not Appearance.objects.exists()
    assert not Receipt.objects.exists()
    again = flow(1)
    assert (again.status, again.events, again.cut_events) == ("complete", 2, 2)
    assert (again.started_at, again.ended_at) == (before.started_at, before.ended_at)


def test_of_a_flow_that_was_never_cut_old_events_are_taken_in(thirty_days: None) -> None:
    order(1)  # published long ago, seen for the first time
    summarised()
    sweep()
    assert left() == {"flow-1"}


def test_what_the_size_took_does_not_come_back_either(monkeypatch: pytest.MonkeyPatch) -> None:
    order(1)
    summarised()
    aged(DAY, NOW)
    with configured(max_size="1MB"), monkeypatch.context() as patch:
        patch.setattr(room, "excess", lambda _: Event.objects.count())
        sweep()
    with configured(max_size="1MB"):
        order(1)
        summarised()
        assert left() == set()
