"""What spans prove: the same for every order, batching and repetition; envelopes keep the body."""

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from cascade_client.fields import RECEIPT_TYPE
from kit.writes import writing
from tests.tracing.arriving import START, appearances, entry_of, event, rows
from tests.tracing.spanning import as_json, span, trace
from tracing import spans, store
from tracing.cascade import Evidence
from tracing.loading import load
from tracing.models import Event, Flow, FlowType, Receipt
from tracing.models import Span as StoredSpan
from tracing.otlp import from_json
from tracing.summariser import summarise_all

pytestmark = pytest.mark.django_db(transaction=True)
ORDERS: dict[str, Any] = {"messaging__destination__name": "orders"}


def take(*made: dict[str, Any]) -> None:
    """One request."""
    spans.take(from_json(as_json(*made)).spans, keys={})


def linked_traces() -> list[dict[str, Any]]:
    """Three traces tied by links only: placed -> payment -> captured -> fulfilment -> shipped."""

    def group(name: str) -> dict[str, Any]:
        return {"messaging__consumer__group__name": name, **ORDERS}

    return [
        span("server", 1, of=1),
        span("producer", 2, of=1, parent=1, **ORDERS),
        span("consumer", 3, of=2, links=[(1, 2, {})], at_ms=50, took_ms=90, **group("payment")),
        span("internal", 4, of=2, parent=3, at_ms=60),
        span("producer", 5, of=2, parent=4, at_ms=70, **ORDERS),
        span("consumer", 6, of=3, links=[(2, 5, {})], at_ms=200, **group("fulfilment")),
        span("producer", 7, of=3, parent=6, at_ms=205, **ORDERS),
        span("consumer", 8, of=4, links=[(3, 7, {}), (1, 2, {})], at_ms=300, **group("mail")),
    ]


def node(of: int, name: int) -> str:
    """The id of the event that a span made."""
    return f"{trace(of)}-{name:016x}"


def tied(flow_id: str) -> list[tuple[str, str]]:
    """The edges of a cascade between names a person can read."""
    cascade = load(flow_id)
    assert cascade is not None
    assert not cascade.anomalies
    names = {one.id: one.row.event_id[-1] for one in cascade.events if one.row is not None}
    names |= {one.id: one.consumer for one in cascade.deliveries}
    sent = {edge.evidence for edge in cascade.edges if edge.origin.startswith("d-")}
    handled = {edge.evidence for edge in cascade.edges if edge.target.startswith("d-")}
    assert (sent, handled) == ({Evidence.PARENT_SPAN}, {Evidence.LINK})
    return sorted((names[edge.origin], names[edge.target]) for edge in cascade.edges)


WHOLE = [
    ("2", "mail"),
    ("2", "payment"),
    ("5", "fulfilment"),
    ("7", "mail"),
    ("fulfilment", "7"),
    ("payment", "5"),
]


def test_linked_traces_are_one_cascade() -> None:
    take(*linked_traces())
    assert tied(trace(1)) == WHOLE
    assert set(Event.objects.values_list("flow_id", flat=True)) == {trace(1)}


def evidence(*made: dict[str, Any]) -> set[tuple[str, str, str]]:
    """The edges of the one cascade that these spans make: from, to, and why."""
    take(*made)
    cascade = load(trace(1))
    assert cascade is not None
    names = {one.id: one.row.event_id[-1] for one in cascade.events if one.row is not None}
    names |= {one.id: one.consumer for one in cascade.deliveries}
    return {(names[e.origin], names[e.target], e.evidence.value) for e in cascade.edges}


def test_each_edge_says_how_the_spans_told_it() -> None:
    about = {"messaging.destination.name": "orders"}
    told = evidence(
        span("producer", 1, **ORDERS),
        span("consumer", 2, parent=1, **ORDERS, messaging__consumer_group="child"),
        span("consumer", 3, of=2, links=[(1, 1, {})], **ORDERS, messaging__consumer_group="linked"),
        span("producer", 4, parent=2, **ORDERS),
        span("producer", 5, links=[(1, 1, about), (1, 4, about)], **ORDERS),
    )
    assert told == {
        ("1", "child", "parent_span"),
        ("1", "linked", "link"),
        ("child", "4", "parent_span"),
        ("1", "5", "link"),
        ("4", "5", "link"),
    }


def test_a_span_that_names_its_event_is_a_delivery() -> None:
    named: dict[str, Any] = {
        "cloudevents__event_source": "/shop",
        "cloudevents__event_id": "x",
    }
    with writing():
        store.take([store.seen(event("x", 1))], keys={})
    take(span("consumer", 2, **ORDERS, **named))
    cascade = load("flow-1")
    assert cascade is not None
    assert [edge.evidence for edge in cascade.edges] == [Evidence.DELIVERY]


def everything() -> dict[str, list[Any]]:
    """All that was stored, less the flows that were given up on the way."""
    found = rows()
    found.pop("flows")
    for name in ("appearances", "receipts"):
        found[name] = [[repr(value) for value in row] for row in found[name]]
    return found


@pytest.mark.parametrize("seed", range(25))
def test_any_order_and_batching(seed: int) -> None:
    chance = random.Random(seed)
    made = linked_traces() + [
        one for one in linked_traces() if chance.random() < 0.3
    ]  # some come twice
    chance.shuffle(made)
    while made:
        size = chance.randint(1, 4)
        take(*made[:size])
        made = made[size:]
    assert tied(trace(1)) == WHOLE
    assert Receipt.objects.filter(outcome="succeeded").count() == 4
    assert StoredSpan.objects.count() == 8
    times = list(Event.objects.order_by("event_id").values_list("published_at", flat=True))
    assert [(at - START).microseconds for at in times] == [0, 69_999, 204_998]


@pytest.mark.parametrize("seed", range(5))
def test_many_requests_at_once(seed: int) -> None:
    made = linked_traces()
    random.Random(seed).shuffle(made)

    def send(one: dict[str, Any]) -> None:
        try:
            take(one)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(made)) as pool:
        list(pool.map(send, made))
    assert tied(trace(1)) == WHOLE


def test_a_flow_that_lost_its_events_to_another_is_in_no_list() -> None:
    for one in reversed(linked_traces()):
        take(one)
        summarise_all()
    (flow,) = Flow.objects.all()
    assert (flow.flow_id, flow.events, flow.deliveries) == (trace(1), 3, 4)
    assert set(FlowType.objects.values_list("flow_id", flat=True)) == {trace(1)}


def test_conversations_are_the_flow_also_of_what_does_not_say_so() -> None:
    said: dict[str, Any] = {"messaging__message__conversation_id": "order-1", **ORDERS}
    made = linked_traces()
    made[1] = span("producer", 2, of=1, parent=1, **said)
    for one in reversed(made):
        take(one)
    assert tied("order-1") == WHOLE


@pytest.mark.parametrize("seed", range(5))
def test_a_loop_of_links_ends_in_its_own_trace(seed: int) -> None:
    made = [
        span("consumer", 1, of=1, links=[(2, 4, {})], **ORDERS),
        span("producer", 2, of=1, parent=1, **ORDERS),
        span("consumer", 3, of=2, links=[(1, 2, {})], **ORDERS),
        span("producer", 4, of=2, parent=3, **ORDERS),
        span("producer", 5, of=3, parent=5, **ORDERS),
    ]
    random.Random(seed).shuffle(made)
    for one in made:
        take(one)
    found = Event.objects.order_by("event_id").values_list("flow_id", "published_at")
    assert [(flow, (START - at).microseconds) for flow, at in found] == [
        (trace(1), 2),
        (trace(2), 2),
        (trace(3), 0),
    ]


def test_attempts_of_one_message() -> None:
    sent = span("producer", 1, **ORDERS)
    failed = span("consumer", 2, parent=1, at_ms=20, error__type="timeout", **ORDERS)
    again = span("consumer", 3, parent=1, at_ms=50, **ORDERS)
    take(again)
    take(failed, sent)
    cascade = load(trace(1))
    assert cascade is not None
    (delivery,) = cascade.deliveries
    assert [(one.outcome, one.error_type) for one in delivery.attempts] == [
        ("failed", "timeout"),
        ("succeeded", ""),
    ]
    assert delivery.state == "succeeded"


CLOUD: dict[str, Any] = {
    "cloudevents__event_id": "e1",
    "cloudevents__event_source": "/shop",
    **ORDERS,
}
LINKED = {"cloudevents.event_id": "e1", "cloudevents.event_source": "/shop"}


def by_envelope(at: int = 5) -> None:
    """The message itself, from its broker, some milliseconds after its span began."""
    headers = {"ce-specversion": "1.0", "ce-id": "e1", "ce-source": "/shop", "ce-type": "Placed"}
    with writing():
        store.take([store.seen(entry_of("orders.0", at, headers, b'{"order_id": 4711}'))], keys={})


def by_late_envelope() -> None:
    """The message as its broker dates it, long after its span ended."""
    by_envelope(at=5_000)


def by_span() -> None:
    """The same by its spans."""
    take(
        span("producer", 1, **CLOUD),
        span("consumer", 2, of=2, at_ms=20, links=[(1, 1, LINKED)], **ORDERS),
    )


@pytest.mark.parametrize("routes", [(by_envelope, by_span), (by_span, by_envelope)])
def test_envelope_and_span_of_one_message_are_one_event(routes: Any) -> None:
    for route in (*routes, *routes):
        route()
    stored = Event.objects.get()
    assert (bytes(stored.data or b""), stored.type) == (b'{"order_id": 4711}', "Placed")
    cascade = load(stored.flow_id)
    assert cascade is not None
    assert not cascade.anomalies
    (node,) = cascade.events
    assert sum(place.original for place in node.appearances) == 1
    assert [one.consumer for one in cascade.deliveries] == ["shop"]


@pytest.mark.parametrize("routes", [(by_late_envelope, by_span), (by_span, by_late_envelope)])
def test_a_producer_whose_clock_is_behind_does_not_hide_the_body(routes: Any) -> None:
    for route in routes:
        route()
    assert len(appearances()) == 2
    assert bytes(Event.objects.get().data or b"") == b'{"order_id": 4711}'


def test_spans_without_messages_are_kept_light_and_prove_nothing() -> None:
    take(span("server", 1), span("internal", 2, parent=1))
    assert StoredSpan.objects.count() == 2
    assert not Event.objects.exists()
    assert not Receipt.objects.exists()
    assert RECEIPT_TYPE not in Event.objects.values_list("type", flat=True)
