"""The last resort: a cause that nobody named, where only one is plausible; else none."""

from typing import Any

import pytest
from msgspec.structs import replace

from tests.tracing.making import at, event, ident, receipt
from tests.tracing.seeding import seed
from tracing import summariser
from tracing.cascade import Evidence, build
from tracing.loading import load
from tracing.models import Event
from tracing.rows import EventRow, ReceiptRow
from tracing.ways import Way

PAYMENT = "/shop/payment"
KEY = {"partition_key": "order-1"}
WAY = Way("shop", "payments", "PaymentCaptured", PAYMENT, "payment")
PLACED = event("placed", "OrderPlaced", 0, **KEY)
WORK = receipt("placed", "payment", "succeeded", 1, 2)


def captured(seconds: float = 2, source: str = PAYMENT, **more: Any) -> EventRow:
    """An event of payment that names no cause."""
    row = event("captured", "PaymentCaptured", seconds, broker="shop", topic="payments", **more)
    return replace(row, source=source)


def guessed(
    events: list[EventRow], receipts: list[ReceiptRow], ways: tuple[Way, ...] = ()
) -> list[tuple[str, str]]:
    """Consumer and type of each edge that was inferred."""
    cascade = build("f", events, receipts, ways=ways)
    backwards = build("f", events[::-1], receipts[::-1], ways=ways[::-1])
    assert backwards.edges == cascade.edges
    names = {node.id: node.name for node in cascade.events}
    names |= {node.id: node.consumer for node in cascade.deliveries}
    return [
        (names[edge.origin], names[edge.target])
        for edge in cascade.edges
        if edge.evidence is Evidence.INFERRED and edge.target.startswith("e-")
    ]


FOUND = [("payment", "PaymentCaptured")]


@pytest.mark.parametrize(
    ("events", "receipts"),
    [
        ([PLACED, captured()], [WORK]),
        ([PLACED, captured(1)], [WORK]),  # at the moment it began
        ([PLACED, captured(source="urn:shop:Payment")], [WORK]),
        ([PLACED, captured(source="/shop/pay")], [replace(WORK, process="pay-7f9c-1")]),
        (  # another service was at work, too
            [PLACED, captured()],
            [WORK, receipt("placed", "inventory", "succeeded", 1, 2)],
        ),
        (  # two attempts of one handling overlap
            [PLACED, captured()],
            [WORK, receipt("placed", "payment", "failed", 1.5, 2, attempt=2)],
        ),
        ([captured()], [replace(WORK, identity=ident("never seen"))]),
    ],
)
def test_the_service_was_handling_an_event_at_that_moment(
    events: list[EventRow], receipts: list[ReceiptRow]
) -> None:
    assert guessed(events, receipts) == FOUND


@pytest.mark.parametrize(
    ("events", "receipts"),
    [
        ([PLACED, captured(3.1)], [WORK]),  # after it was done
        ([PLACED, captured(0.9)], [WORK]),  # before it began
        ([PLACED, captured(source="/shop/billing")], [WORK]),
        ([PLACED, replace(captured(), causes=("placed",))], [WORK]),  # named
        ([PLACED, captured()], [receipt("placed", "payment", "started", 1)]),  # end unknown
        ([PLACED, captured()], [replace(WORK, origin="inferred")]),  # its times are guesses
        ([captured()], [receipt("captured", "payment", "succeeded", 2, 1)]),  # it handled this one
        (  # two handlings are plausible
            [PLACED, event("other", "OrderPlaced", 0.5), captured()],
            [WORK, receipt("other", "payment", "succeeded", 1, 2)],
        ),
        (  # a receipt says who published it
            [PLACED, captured()],
            [WORK, receipt("placed", "billing", "succeeded", 1, 2, published=("captured",))],
        ),
    ],
)
def test_else_nothing_is_guessed(events: list[EventRow], receipts: list[ReceiptRow]) -> None:
    assert guessed(events, receipts) == []


LATER = captured(9, **KEY)  # the handling had ended


@pytest.mark.parametrize(
    ("events", "receipts", "ways", "found"),
    [
        ([PLACED, LATER], [WORK], (WAY,), FOUND),
        ([PLACED, LATER], [WORK], (), []),
        ([PLACED, LATER], [WORK], (WAY._replace(type="PaymentRefused"),), []),
        ([PLACED, LATER], [WORK], (WAY._replace(consumer="billing"),), []),
        ([PLACED, replace(LATER, partition_key="order-2")], [WORK], (WAY,), []),
        ([PLACED, replace(LATER, partition_key="")], [WORK], (WAY,), []),
        ([PLACED, replace(LATER, published_at=at(0.5))], [WORK], (WAY,), []),
        ([PLACED, LATER], [replace(WORK, origin="inferred")], (WAY,), FOUND),
        (  # two of the key
            [PLACED, event("more", "OrderPlaced", 0.5, **KEY), LATER],
            [WORK, receipt("more", "payment", "succeeded", 1)],
            (WAY,),
            [],
        ),
        (  # two publishers
            [PLACED, LATER],
            [WORK, receipt("placed", "billing", "succeeded", 1)],
            (WAY, WAY._replace(consumer="billing")),
            [],
        ),
    ],
)
def test_else_what_other_flows_have_taught(
    events: list[EventRow],
    receipts: list[ReceiptRow],
    ways: tuple[Way, ...],
    found: list[tuple[str, str]],
) -> None:
    assert guessed(events, receipts, ways) == found


def test_nothing_is_guessed_that_closes_a_circle() -> None:
    placed = replace(PLACED, causes=("captured",))
    assert guessed([placed, captured()], [WORK]) == []


@pytest.mark.django_db
def test_ways_and_numbers_of_other_flows_are_read() -> None:
    known = {"broker": "shop", "topic": "payments", "flow_id": "taught"}
    taught = replace(event("t2", "PaymentCaptured", 2, **known), source=PAYMENT)
    seed(
        [event("t1", "OrderPlaced", 0, flow_id="taught"), taught],
        [replace(receipt("t1", "payment", "succeeded", 1, published=("t2",)), flow_id="taught")],
    )
    summariser.summarise_all()
    seed([replace(PLACED, sequence="1"), replace(LATER, sequence="2")], [WORK])
    cascade = load("f")
    assert cascade is not None
    assert [edge.evidence for edge in cascade.edges] == [Evidence.DELIVERY, Evidence.INFERRED]
    assert not cascade.anomalies


@pytest.mark.django_db
def test_a_number_that_another_flow_has_is_not_missing() -> None:
    seed([event("a", "A", 0, sequence="1"), event("b", "B", 1, "a", sequence="4")], [])
    seed([event("c", "C", 0, sequence="2", flow_id="g")], [])
    cascade = load("f")
    assert cascade is not None
    (gap,) = cascade.anomalies
    assert gap.detail == "between A (1) and B (4) was not seen: 3"
    rows = Event.objects.filter(sequence__in=["2"], source__in=["/shop"]).exclude(sequence="")
    assert "event_sequence" in rows.explain()
