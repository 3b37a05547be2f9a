"""The store: exactly once, whatever the order, and flows marked in the same transaction."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from kit.writes import writing
from tests.tracing.arriving import START, appearances, entry_of, event, receipt, rows, take
from tests.tracing.seeding import columns_of
from tracing import receipts, store
from tracing.envelope import identity
from tracing.models import Appearance, Event, Flow, FlowKey, Malformed, Receipt

pytestmark = pytest.mark.django_db


def test_an_event_is_stored_with_all_it_says() -> None:
    entry = event(
        "e1",
        5,
        ce_time="2026-08-18T14:00:00.123456789Z",
        ce_subject="4711",
        ce_causationid="a",
        ce_causationids="a,b",
        ce_partitionkey="k",
        ce_sequence="7",
        ce_traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ce_dataschema="urn:s",
        ce_more="x",
        free="y",
        cascadeattempt="9",
        cascadetarget="payment",
    )
    assert take(entry).accepted == 1
    row = Event.objects.get()
    assert bytes(row.identity) == identity("/shop", "e1")
    assert (row.source, row.event_id, row.type, row.subject) == (
        "/shop",
        "e1",
        "OrderPlaced",
        "4711",
    )
    assert row.time_text == "2026-08-18T14:00:00.123456789Z"
    assert row.time == START + timedelta(microseconds=123456)
    assert (row.causes, row.flow_id) == (["a", "b"], "flow-1")
    assert (row.partition_key, row.sequence, row.dataschema) == ("k", "7", "urn:s")
    assert (row.attributes, row.headers) == ({"more": "x"}, {"free": "y"})
    assert (row.broker, row.topic, row.content_type) == ("shop", "orders", "application/json")
    assert row.published_at == START + timedelta(milliseconds=5)
    assert bytes(row.data or b"") == b'{"order_id": 4711}'
    (place,) = appearances()
    assert (place.stream, place.position) == (entry.stream, entry.position)
    assert (place.broker_time, place.replay_attempt) == (row.published_at, "9")
    assert (place.replay_target, place.body_hash) == ("payment", bytes(row.body_hash))


def test_the_same_again_changes_nothing() -> None:
    entries = [event("e1", 1), event("e2", 2), receipt("e1", 3)]
    assert take(*entries).accepted == 3
    before = rows()
    again = take(*entries, *entries)
    assert (again.accepted, again.duplicates) == (0, 6)
    assert rows() == before


def test_twice_in_one_batch_is_one_event_at_two_places() -> None:
    taken = take(event("e1", 1), event("e1", 2))
    assert (taken.accepted, taken.duplicates) == (1, 1)
    assert (Event.objects.count(), len(appearances())) == (1, 2)


def test_the_earliest_appearance_says_what_the_event_is() -> None:
    take(event("e1", 9, body={"total": "edited"}, ce_correlationid="other"))
    take(event("e1", 1))
    take(event("e1", 5, body={"total": "later"}))
    row = Event.objects.get()
    assert bytes(row.data or b"") == b'{"order_id": 4711}'
    assert (row.flow_id, row.published_at) == ("flow-1", START + timedelta(milliseconds=1))
    assert len({one.body_hash for one in appearances()}) == 3


def test_flows_are_marked_once_and_keys_found() -> None:
    take(event("e1", 5), event("e2", 1))
    flow = Flow.objects.get()
    assert (flow.flow_id, flow.started_at) == ("flow-1", START + timedelta(milliseconds=1))
    marked = flow.dirty_since
    assert marked is not None
    take(event("e3", 9))
    assert Flow.objects.get().dirty_since == marked  # the oldest mark stays
    Flow.objects.update(dirty_since=None, status="complete")
    take(event("e4", 10, body={"lines": [{"package": "88"}]}))
    flow = Flow.objects.get()
    assert flow.dirty_since is not None
    assert flow.status == "complete"  # the summariser's to change
    assert set(FlowKey.objects.values_list("key", "flow_id")) == {
        ("order:4711", "flow-1"),
        ("package:88", "flow-1"),
    }


def test_an_event_without_correlation_is_its_own_flow() -> None:
    take(event("e1", 1, **{"ce-correlationid": ""}))
    assert Event.objects.get().flow_id == identity("/shop", "e1").hex()


def test_a_receipt_says_what_happened() -> None:
    more = {
        "stream": "orders.0",
        "position": "1-0",
        "attempt": 2,
        "duration_ms": 12.5,
        "error": {"type": "KeyError", "message": "'cur\0rency'", "stack": "x" * 100_000},
        "process": "payment-1",
        "release": "1.8.0",
        "replay_attempt": "77",
        "retry_in_ms": 250,
        "events": [{"source": "/shop", "id": "e9"}],
        "unknown": "ignored",
    }
    take(receipt("e1", 7, "retrying", **more))
    row = Receipt.objects.get()
    assert bytes(row.receipt_identity) == identity("/shop/payment", "e1/retrying")
    assert (row.consumer, row.attempt, row.outcome) == ("payment", 2, "retrying")
    assert (row.stream, row.position, row.duration_ms) == ("orders.0", "1-0", 12.5)
    assert (row.error_type, row.error_message) == ("KeyError", "'cur\\x00rency'")
    assert len(row.error_stack) == receipts.STACK_CHARACTERS
    assert (row.process, row.release) == ("payment-1", "1.8.0")
    assert (row.replay_attempt, row.retry_in_ms) == ("77", 250)
    assert row.published == [identity("/shop", "e9").hex()]
    assert row.seen_at == START + timedelta(milliseconds=7)
    assert row.started_at == START + timedelta(milliseconds=500)
    assert (row.flow_id, Flow.objects.count()) == ("", 0)  # nobody knows its flow yet


def test_a_receipt_of_a_message_without_identity_is_found_by_its_position() -> None:
    plain = entry_of("orders.0", 1, {}, b"{}")
    named = {"event_source": "", "event_id": "", "stream": "orders.0", "position": plain.position}
    take(receipt("?", 2, **named), plain)
    assert bytes(Receipt.objects.get().identity) == bytes(Event.objects.get().identity)
    assert Receipt.objects.get().flow_id == Event.objects.get().flow_id


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"outcome": "exploded"}, "data.outcome"),
        ({"started_at": "noon"}, "data.started_at"),
        ({"consumer": ""}, "data.consumer"),
        ({"attempt": 0}, "data.attempt"),
        ({"attempt": "1"}, "data.attempt"),
        ({"duration_ms": -1}, "data.duration_ms"),
        ({"event_id": ""}, "data: names neither"),
        ({"replay_attempt": "x" * 81}, "data.replay_attempt"),
    ],
)
def test_a_bad_receipt_is_malformed(change: dict[str, Any], where: str) -> None:
    taken = take(receipt("e1", 1, **change), event("e1", 2))
    assert (taken.accepted, taken.malformed) == (1, 1)
    assert Malformed.objects.get().reason.startswith(f"receipt: {where}")


def test_a_report_of_a_letter_is_a_receipt() -> None:
    report = receipts.Report(
        event_identity=identity("/shop", "e1"),
        flow_id="flow-1",
        consumer="payment",
        outcome="replayed",
        letter_id=5,
        at=START,
        attempt="77",
    )
    for _ in range(2):  # the same report twice is one
        with writing():
            receipts.report_all([report])
    row = Receipt.objects.get()
    assert (row.origin, row.letter_id, row.outcome) == ("letter", 5, "replayed")
    assert (row.replay_attempt, row.seen_at) == ("77", START)
    assert Flow.objects.get().dirty_since is not None


@pytest.mark.django_db(transaction=True)
def test_it_needs_a_transaction() -> None:
    with pytest.raises(RuntimeError, match="transaction"):
        store.take([], keys={})


@pytest.mark.django_db(transaction=True)
def test_an_event_and_its_receipt_at_the_same_moment() -> None:
    """On PostgreSQL neither writer sees the other's row; on SQLite the second one waits."""

    def take_receipt() -> None:
        take(receipt("e1", 2))
        connection.close()

    other = threading.Thread(target=take_receipt)
    with transaction.atomic():
        store.take([store.seen(event("e1", 1))], keys={})
        other.start()
        other.join(20 if connection.vendor == "postgresql" else 0)
    other.join(20)
    missed = connection.vendor == "postgresql"
    assert Receipt.objects.get().flow_id == ("" if missed else "flow-1")
    Flow.objects.update(dirty_since=None)
    assert [receipts.adopt(), receipts.adopt()] == [int(missed), 0]
    assert Receipt.objects.get().flow_id == "flow-1"
    assert Flow.objects.filter(dirty_since__isnull=False).exists() == missed


def test_a_stray_receipt_is_adopted() -> None:
    take(event("e1", 1), receipt("e1", 2), receipt("unknown", 3))
    Receipt.objects.update(flow_id="")
    Flow.objects.update(dirty_since=None)
    assert receipts.adopt() == 1
    assert sorted(Receipt.objects.values_list("flow_id", flat=True)) == ["", "flow-1"]
    assert Flow.objects.get().dirty_since is not None


def test_a_malformed_message_is_kept_cut_off() -> None:
    take(entry_of("orders.0", 1, {"ce-a": "b\0\udcff"}, b"x" * 100_000))
    row = Malformed.objects.get()
    assert (len(bytes(row.raw)), row.size) == (
        store.RAW_BYTES,
        100_000 + len(b"ce-a: b\0\\udcff\n\n"),
    )


@pytest.mark.django_db(transaction=True)
def test_another_writer_is_quicker() -> None:
    """Two at once with one event: it is stored once, at both places, the earlier one tells."""
    one, early = event("e1", 5), [event("e1", 1, body={"total": "first"}), event("e2", 1)]

    def take_early() -> None:
        assert take(*early).accepted == 1
        connection.close()

    other = threading.Thread(target=take_early)
    with transaction.atomic():
        store.take([store.seen(one)], keys={})
        other.start()
        other.join(0.5)  # it waits for the row, or for the gate
    other.join(20)
    assert Event.objects.count() == 2
    assert bytes(Event.objects.get(event_id="e1").data or b"") == b'{"total": "first"}'
    places = {(entry.stream, entry.position) for entry in (one, *early)}
    assert {(row.stream, row.position) for row in appearances()} == places
    assert len(appearances()) == 3


def test_rows_from_before_the_first_appearance_was_in_the_event_row() -> None:
    take(event("e1", 5))
    kept = appearances()
    Appearance.objects.create(**columns_of(kept[0]))
    Event.objects.update(stream="", position="", broker_time=None)
    take(event("e1", 5))  # read again
    assert [row.place for row in appearances()] == [kept[0].place]
    take(event("e1", 1), event("e1", 9))
    assert len(appearances()) == 3
    assert Event.objects.get().published_at == START + timedelta(milliseconds=1)
