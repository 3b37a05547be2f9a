"""Retention: what goes by age, type and size, what stays, and what a cut flow says afterwards."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from tests.tracing.arriving import START, event, receipt, rows, take
from tests.tracing.keeping import aged, configured, flow, left, order, summarised, sweep
from tracing.models import (
    Appearance,
    Event,
    EventWords,
    Flow,
    FlowKey,
    FlowType,
    Malformed,
    Payload,
    Receipt,
    Span,
    StorageSample,
    Sweep,
)
from tracing.retention import keeping, room, walks
from tracing.retention.walks import REWALK
from tracing.search import index

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No other feature holds flows but those a test names."""
    monkeypatch.setattr(keeping, "_holders", [])


@pytest.fixture
def thirty_days() -> Iterator[None]:
    with configured(events="30d", receipts="40d", summaries="180d"):
        yield


def test_without_a_word_nothing_is_deleted() -> None:
    with configured():
        order(1)
        aged(9_999 * DAY, NOW)
        summarised()
        assert sweep() == 0
        assert left() == {"flow-1"}


def test_what_is_old_goes_with_all_that_only_it_needs(thirty_days: None) -> None:
    order(1, "OrderShipped")
    big = {"order_id": 1, "text": "x" * 70_000}
    for at in (105, 106):  # twice: at two places
        take(event("big", at, body=big, **{"ce-correlationid": "flow-1"}))
    index.index_batch()
    assert (Appearance.objects.count(), Payload.objects.count()) == (1, 1)
    words = set(EventWords.objects.values_list("pk", flat=True))
    assert words == set(Event.objects.values_list("pk", flat=True))
    order(2)
    summarised()
    aged(31 * DAY, NOW, flow_id="flow-1")
    sweep()
    assert left() == {"flow-2"}
    assert not Appearance.objects.exists()
    assert set(Receipt.objects.values_list("flow_id", flat=True)) == {"flow-2"}
    assert not Payload.objects.exists()
    left_words = set(EventWords.objects.values_list("pk", flat=True))
    assert left_words <= set(Event.objects.values_list("pk", flat=True))


def test_a_cut_flow_keeps_its_summary_and_says_so(thirty_days: None) -> None:
    order(1, "OrderShipped")
    summarised()
    before = flow(1)
    aged(31 * DAY, NOW)
    sweep()
    cut = flow(1)
    same = ("status", "reason", "root_type", "label", "events", "deliveries", "started_at")
    assert before.status == "complete"
    for name in (*same, "last_at", "ended_at", "amount"):
        assert getattr(cut, name) == getattr(before, name), name
    assert cut.truncated_before == START + timedelta(milliseconds=101)
    assert (cut.cut_events, cut.cut_status) == (2, "complete")
    assert FlowKey.objects.filter(key="order:1", flow_id="flow-1").exists()  # still found
    assert FlowType.objects.filter(flow_id="flow-1").count() == 2


@pytest.mark.parametrize("name", ["dirty_since", "pinned_at"])
def test_pinned_and_unsummarised_flows_stay_whole(thirty_days: None, name: str) -> None:
    order(1)
    order(2)
    summarised()
    Flow.objects.filter(flow_id="flow-1").update(**{name: NOW})
    aged(31 * DAY, NOW)
    sweep()
    assert left() == {"flow-1"}
    assert flow(1).truncated_before is None
    assert Receipt.objects.filter(flow_id="flow-1").exists()


def test_what_another_feature_holds_stays(thirty_days: None) -> None:
    order(1)
    order(2)
    summarised()
    aged(31 * DAY, NOW)
    keeping.hold(lambda ids: {"flow-2"} & set(ids))
    sweep()
    assert left() == {"flow-2"}


def test_what_was_held_goes_on_a_later_walk(
    thirty_days: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    order(1)
    summarised()
    Flow.objects.update(pinned_at=NOW)
    aged(31 * DAY, NOW)
    sweep()
    Flow.objects.update(pinned_at=None)
    sweep()
    assert left() == {"flow-1"}  # the walk has passed it
    Sweep.objects.update(began_at=NOW - REWALK)
    sweep()
    sweep()
    assert left() == set()


def test_a_type_has_an_age_of_its_own_shorter_or_longer() -> None:
    with configured(events="30d", types={"Heartbeat": "1d", "OrderShipped": "90d"}):
        order(1, "Heartbeat", "OrderShipped")
        summarised()
        aged(2 * DAY, NOW)
        sweep()
        types = set(Event.objects.values_list("type", flat=True))
        assert types == {"OrderPlaced", "OrderShipped"}
        aged(31 * DAY, NOW)
        sweep()
        assert set(Event.objects.values_list("type", flat=True)) == {"OrderShipped"}
        aged(91 * DAY, NOW)
        sweep()
        assert left() == set()
        assert (flow(1).events, flow(1).cut_events) == (3, 3)


def test_only_a_type_and_all_else_for_ever() -> None:
    with configured(types={"Heartbeat": "1d"}):
        order(1, "Heartbeat")
        summarised()
        aged(999 * DAY, NOW)
        sweep()
        assert Event.objects.get().type == "OrderPlaced"


def test_past_the_size_the_oldest_go_until_it_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(6):
        order(number)
    summarised()
    aged(DAY, NOW)
    monkeypatch.setattr(walks, "BATCH", 2)
    monkeypatch.setattr(room, "excess", lambda _: max(0, Event.objects.count() - 2))
    with configured(max_size="1MB"):
        sweep()
    assert left() == {"flow-4", "flow-5"}


def test_the_size_never_takes_what_came_in_just_now(monkeypatch: pytest.MonkeyPatch) -> None:
    order(1)
    summarised()
    monkeypatch.setattr(room, "excess", lambda _: 1)
    with configured(max_size="1MB"):
        sweep()
    assert left() == {"flow-1"}


def test_spans_malformed_and_stray_receipts_have_ages_too() -> None:
    for number in range(2):
        Span.objects.create(
            trace_id=f"{number}" * 32, span_id="1" * 16, service="s", started_at=NOW, duration_ms=1
        )
        place = {"broker": "shop", "stream": "s", "position": f"{number}-0"}
        Malformed.objects.create(**place, reason="r", raw=b"", size=0)
        take(receipt("nobody", number, "succeeded" if number else "started"))
    summarised()
    Flow.objects.create(flow_id="1" * 32, pinned_at=NOW, dirty_since=None)
    aged(8 * DAY, NOW)
    with configured(events="30d", spans="7d", receipts="7d", malformed="7d"):
        sweep()
    assert set(Span.objects.values_list("trace_id", flat=True)) == {"1" * 32}  # of a pinned flow
    assert not Malformed.objects.exists()
    assert not Receipt.objects.exists()


def test_summaries_go_last_with_what_they_are_found_by() -> None:
    order(1)
    order(2)
    summarised()
    aged(31 * DAY, NOW)
    with configured(events="30d"):
        sweep()
    Flow.objects.update(started_at=NOW - 181 * DAY, last_at=NOW - 181 * DAY)
    Flow.objects.filter(flow_id="flow-2").update(last_at=NOW)  # it lived long
    with configured(events="30d", summaries="180d"):
        sweep()
    assert set(Flow.objects.values_list("flow_id", flat=True)) == {"flow-2"}
    assert set(FlowKey.objects.values_list("flow_id", flat=True)) == {"flow-2"}
    assert set(FlowType.objects.values_list("flow_id", flat=True)) == {"flow-2"}


def test_a_summary_stays_while_something_of_its_flow_does() -> None:
    order(1)
    summarised()
    Flow.objects.update(started_at=NOW - 181 * DAY, last_at=NOW - 181 * DAY)
    with configured(summaries="180d"):
        sweep()
    assert Flow.objects.exists()


def test_a_deletion_that_fails_half_way_leaves_all_as_it_was(
    thirty_days: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    order(1)
    summarised()
    aged(31 * DAY, NOW)
    before = rows()
    monkeypatch.setattr("tracing.retention.remove._cut", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        sweep()
    assert rows() == before


def test_a_walk_goes_on_where_it_was_and_counts(
    thirty_days: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walks, "BATCH", 2)
    for number in range(7):
        order(number)
    summarised()
    aged(31 * DAY, NOW)
    assert sweep() == 7
    row = Sweep.objects.get(name="events 2592000s")
    assert (row.deleted, row.last_at is not None) == (7, True)
    assert row.reach == START + timedelta(milliseconds=600)


def test_samples_are_taken_once_an_hour(thirty_days: None) -> None:
    order(1)
    sweep()
    sweep()
    sample = StorageSample.objects.get()
    assert sample.used_bytes > 0
    events, size = sample.tables["tracing_event"]
    assert size > 0
    assert events == 1 or connection.vendor == "postgresql"  # which counts what is committed
    assert sample.oldest_at is not None
