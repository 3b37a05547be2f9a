"""Promise 10 for whole cascades: any permutation, duplication and batching of the envelopes of a
random graph gives the same document; pure, and through the store and the summariser."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from brokers.contract import Entry
from tests.tracing import arriving
from tests.tracing.making import appearance, event, receipt
from tracing.cascade import Cascade, build
from tracing.models import Flow
from tracing.queries import flow_and_cascade
from tracing.report import document
from tracing.rows import AppearanceRow, EventRow, ReceiptRow
from tracing.summariser import summarise_all
from tracing.ways import Way

NAMES = [f"e{n}" for n in range(7)]
ANY = st.sampled_from([*NAMES, "gone"])
CAUSES = st.lists(ANY, max_size=3, unique=True)
CONSUMERS = st.sampled_from(["payment", "mail"])
OUTCOMES = st.sampled_from(
    ["started", "retrying", "failed", "dead_lettered", "skipped", "succeeded"]
)
ORIGINS = st.sampled_from(["receipt", "receipt", "letter", "link", "parent_span", "inferred"])
WAYS = (Way("shop", "orders", "T1", "/shop/orders", "payment"),)
TERMINAL = ("T0", "T5")
MANY = 5_000  # events, and as many receipts
Rows = tuple[list[EventRow], list[ReceiptRow], list[AppearanceRow]]


@st.composite
def pure_rows(draw: st.DrawFn) -> Rows:
    """Rows of any graph: fan-in, circles, self-causes, causes and events that were not seen."""
    events = [
        event(
            name,
            f"T{number}",
            draw(st.integers(0, 90)),
            *draw(CAUSES),
            partition_key=draw(st.sampled_from(["", "order-1"])),
            sequence=draw(st.sampled_from(["", "1", "2", "5", "x"])),
            topic=draw(st.sampled_from(["orders", "payments"])),
            broker=draw(st.sampled_from(["shop", "otlp"])),
        )
        for number, name in enumerate(draw(st.lists(st.sampled_from(NAMES), unique=True)))
    ]
    events = [replace(row, source=f"/{draw(CONSUMERS)}") for row in events]
    receipts = [
        replace(_receipt(draw), receipt_identity=bytes([number]))
        for number in range(draw(st.integers(0, 9)))
    ]
    places = [
        appearance(
            draw(ANY),
            f"{number}-0",
            draw(st.sampled_from([b"b", b"x"])),
            draw(st.sampled_from(["", "r1"])),
            seconds=draw(st.integers(0, 30)),
        )
        for number in range(draw(st.integers(0, 6)))
    ]
    return events, receipts, places


def _receipt(draw: st.DrawFn) -> ReceiptRow:
    return receipt(
        draw(ANY),
        draw(CONSUMERS),
        draw(OUTCOMES),
        draw(st.integers(-2, 60)),
        draw(st.integers(0, 9)),
        attempt=draw(st.integers(1, 3)),
        published=draw(CAUSES),
        origin=draw(ORIGINS),
        process=draw(st.sampled_from(["", "payment-1", "mail-2"])),
        replay_attempt=draw(st.sampled_from(["", "r1"])),
        position=draw(st.sampled_from(["", "1-0", "2-0"])),
    )


def built(rows: Rows) -> tuple[Cascade, Any]:
    """The cascade, and all that is derived from it."""
    found = build("f", *rows, terminal=TERMINAL, ways=WAYS, elsewhere=[("/mail", "3")])
    return found, (found.anomalies, found.outline, found.critical_path, found.shares)


@settings(max_examples=300, deadline=None)
@given(pure_rows(), st.randoms(use_true_random=False))
def test_rows_in_any_order_and_number_make_the_same_cascade(
    rows: Rows, chance: random.Random
) -> None:
    expected = built(rows)
    assert built(_mixed(rows, chance)) == expected
    nodes = expected[0].nodes
    assert sorted(line.node.id for line in expected[0].outline) == sorted(nodes)
    assert all(edge.origin in nodes and edge.target in nodes for edge in expected[0].edges)


def _mixed(rows: Rows, chance: random.Random) -> Rows:
    """In another order, some of them twice."""

    def mixed(given: Sequence[Any]) -> list[Any]:
        again = [one for one in given if chance.random() < 0.3]
        return chance.sample([*given, *again], len(given) + len(again))

    events, receipts, places = rows
    return mixed(events), mixed(receipts), mixed(places)


def test_ten_thousand_nodes_in_any_order_make_the_same_cascade() -> None:
    chance = random.Random(4711)
    events, receipts = [], []
    for number in range(MANY):
        causes = {f"e{chance.randrange(MANY)}" for _ in range(chance.randrange(3))}
        causes |= {f"e{chance.randrange(number)}"} if number % 9 else set()
        causes |= {f"gone{number}"} if number % 50 == 0 else set()
        lane: dict[str, Any] = {
            "partition_key": f"k{number % 7}",
            "topic": "orders",
            "sequence": str(number),
        }
        events.append(event(f"e{number}", f"T{number % 7}", number / 10, *sorted(causes), **lane))
        published = [f"e{chance.randrange(MANY)}"] if number % 3 else []
        said: dict[str, Any] = {
            "published": published,
            "attempt": number,
            "process": f"payment-{number % 3}",
        }
        outcome = "dead_lettered" if number % 97 == 0 else "succeeded"
        receipts.append(receipt(f"e{number}", "payment", outcome, number / 10 + 0.1, **said))
    rows: Rows = (events, receipts, [])
    found = built(rows)
    assert len(found[0].nodes) > 2 * MANY
    assert built(_mixed(rows, chance)) == found


@st.composite
def envelopes(draw: st.DrawFn) -> list[Entry]:
    """Entries as they arrive: some events several times, receipts of any of them and of others."""
    found = [_event_entry(draw, number) for number in range(draw(st.integers(1, 10)))]
    return found + [_receipt_entry(draw, number) for number in range(draw(st.integers(0, 8)))]


def _event_entry(draw: st.DrawFn, number: int) -> Entry:
    name, causes = draw(st.sampled_from(NAMES[:5])), draw(CAUSES)
    made = arriving.event(
        name,
        draw(st.integers(0, 12)),
        stream=draw(st.sampled_from(["orders.0", "payments.0"])),
        body={"order_id": draw(st.integers(1, 2))},
        **{
            "ce-type": f"T{name[1:]}",
            "ce-source": "/shop",
            "ce-causationids": ",".join(causes),
            "ce-partitionkey": draw(st.sampled_from(["", "order-1"])),
            "ce-sequence": draw(st.sampled_from(["", "1", "2", "4"])),
            "cascadeattempt": draw(st.sampled_from(["", "", "r1"])),
        },
    )
    return _at(made, number)


def _receipt_entry(draw: st.DrawFn, number: int) -> Entry:
    start = draw(st.integers(0, 59))
    made = arriving.receipt(
        draw(ANY),
        draw(st.integers(0, 99)),
        draw(OUTCOMES),
        consumer=draw(CONSUMERS),
        started_at=f"2026-08-18T14:00:{start:02d}Z",
        duration_ms=draw(st.integers(0, 9)),
        attempt=draw(st.integers(1, 3)),
        process=draw(st.sampled_from(["payment-1", "mail-2"])),
        events=[{"source": "/shop", "id": name} for name in draw(CAUSES)],
    )
    return _at(made, 100 + number, **{"ce-id": f"r{number}"})


def _at(entry: Entry, number: int, **headers: str) -> Entry:
    """At a position of its own, also where others came in the same millisecond."""
    place = f"{entry.position.partition('-')[0]}-{number}"
    return replace(entry, position=place, headers={**entry.headers, **headers})


@contextmanager
def _undone() -> Iterator[None]:
    mark = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(mark)


def _documents(batches: Sequence[Sequence[Entry]], summarised: Sequence[bool]) -> list[bytes]:
    """What the API answers of every flow, once all of these came in."""
    with _undone():
        for batch, now in zip(batches, summarised, strict=True):
            arriving.take(*batch)
            if now:
                summarise_all()
        summarise_all()
        flows = Flow.objects.order_by("flow_id").values_list("flow_id", flat=True)
        found = [both for flow_id in flows if (both := flow_and_cascade(flow_id)) is not None]
        return [document(flow, [], cascade) for flow, cascade in found]


@pytest.mark.django_db
@pytest.mark.timeout(900)  # a failing example takes long to be made small
@settings(max_examples=40, deadline=None)
@given(envelopes(), st.randoms(use_true_random=False))
def test_envelopes_in_any_order_and_batches_make_the_same_documents(
    entries: list[Entry], chance: random.Random
) -> None:
    expected = _documents([entries], [True])
    again = [one for one in entries if chance.random() < 0.3]
    mixed = chance.sample([*entries, *again], len(entries) + len(again))
    cuts = sorted(chance.randrange(len(mixed) + 1) for _ in range(chance.randrange(6)))
    batches = [mixed[a:b] for a, b in zip([0, *cuts], [*cuts, len(mixed)], strict=True)]
    assert _documents(batches, [chance.random() < 0.5 for _ in batches]) == expected
