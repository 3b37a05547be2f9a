"""Flow aliases: whatever came first, both IDs lead to one cascade, and the list has one row."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.models import User
from kit.writes import writing
from tests.tracing.arriving import event, receipt, take
from tests.tracing.spanning import as_json, span, trace
from tracing import queries, spans
from tracing.envelope import identity
from tracing.models import Event, Flow, FlowAlias, FlowKey, FlowTie, FlowType
from tracing.otlp import from_json
from tracing.report import document
from tracing.retention import remove
from tracing.retention.remove import Old
from tracing.summariser import summarise_all

pytestmark = pytest.mark.django_db
Step = Callable[[], Any]
T1, T2 = trace(1), trace(2)
NO_FLOW = {"ce-correlationid": ""}


def traced(name: str, at: int, of: str = T1, **fields: str) -> Step:
    """An event in a trace; of no correlation unless told."""
    more = {"ce-traceparent": f"00-{of}-{at:016x}-01", **NO_FLOW, **fields}
    return lambda: take(event(name, at, ce_type=name, **more))


def sent(name: str, at: int, **fields: str) -> Step:
    """An event of flow-1, unless told otherwise."""
    return lambda: take(event(name, at, ce_type=name, **fields))


def handled(name: str, at: int, *emitted: str) -> Step:
    """A receipt of an event, that names what was emitted."""
    events = [{"source": "/shop", "id": one} for one in emitted]
    return lambda: take(receipt(name, at, events=events))


def told(*made: dict[str, Any]) -> Step:
    """Spans in one request."""
    return lambda: spans.take(from_json(as_json(*made)).spans, keys={})


def flow_of(name: str) -> str:
    """The flow that an event known by itself is of."""
    return identity("/shop", name).hex()


CLOUD: dict[str, Any] = {
    "cloudevents__event_source": "/shop",
    "messaging__destination__name": "orders",
}
CONVERSATION: dict[str, Any] = {"messaging__message__conversation_id": "flow-1"}
PLACED = {"cloudevents.event_source": "/shop", "cloudevents.event_id": "placed"}
# what arrives; the flow IDs it comes under that lead to flow-1
CASES: dict[str, tuple[list[Step], set[str]]] = {
    "another envelope of the trace bears the correlation": (
        [
            traced("placed", 1),
            traced("paid", 2, **{"ce-correlationid": "flow-1", "ce-causationid": "placed"}),
        ],
        {T1},
    ),
    "the trace is in the transport's header": (
        [
            lambda: take(event("placed", 1, traceparent=f"00-{T1}-{1:016x}-01", **NO_FLOW)),
            lambda: take(event("paid", 2, traceparent=f"00-{T1}-{2:016x}-01")),
        ],
        {T1},
    ),
    "a cause is named in a flow": (
        [sent("placed", 1, **NO_FLOW), sent("paid", 2, ce_causationid="placed")],
        {flow_of("placed")},
    ),
    "an effect names its cause": (
        [sent("placed", 1), sent("mailed", 2, ce_causationid="placed", **NO_FLOW)],
        {flow_of("mailed")},
    ),
    "a handling emitted it": (
        [sent("placed", 1), handled("placed", 2, "mailed"), sent("mailed", 3, **NO_FLOW)],
        {flow_of("mailed")},
    ),
    "a span bears the conversation": (
        [
            traced("placed", 1),
            told(span("consumer", 2, of=1, parent=1, at_ms=5, **CONVERSATION, **CLOUD)),
            sent("paid", 9),
        ],
        {T1},
    ),
    "a handling in another trace bears the conversation": (
        [
            traced("placed", 1),
            traced("paid", 8, of=T2),
            told(span("consumer", 2, of=2, links=[(1, 1, CLOUD)], at_ms=5, **CONVERSATION)),
        ],
        {T1, T2},
    ),
    "envelope and spans of one message": (
        [
            traced("placed", 1),
            told(span("producer", 1, of=1, cloudevents__event_id="placed", **CLOUD)),
            told(span("consumer", 2, of=2, links=[(1, 1, PLACED)], at_ms=5, **CONVERSATION)),
            traced("paid", 8, of=T2),
            told(span("producer", 3, of=2, parent=2, cloudevents__event_id="paid", **CLOUD)),
            sent("mailed", 9),
        ],
        {T1, T2},
    ),
    "over several names": (
        [
            sent("a", 1, **NO_FLOW),
            sent("b", 2, ce_causationid="a", **NO_FLOW),
            traced("c", 3, ce_causationid="b"),
            traced("d", 4, **{"ce-correlationid": "flow-1"}),
            told(span("consumer", 9, of=2, links=[(1, 3, CLOUD)], at_ms=5, **CONVERSATION)),
            traced("e", 5, of=T2, ce_causationid="d"),
        ],
        {T1, T2},
    ),
}


@contextmanager
def undone() -> Iterator[None]:
    """Nothing stays of what is written within."""
    mark = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(mark)


def outcome() -> dict[str, Any]:
    """All that a person can see: the list, the names, the documents."""
    flows = list(Flow.objects.order_by("flow_id"))
    shown = {}
    for flow in flows:
        cascade = queries.cascade_of(flow.flow_id)
        assert cascade is not None
        names = queries.aliases_of(flow.flow_id, 50)
        written = document(flow, queries.keys_of(flow.flow_id, 50), cascade, names)
        shown[flow.flow_id] = json.loads(written)
    types = sorted(FlowType.objects.values_list("type", "flow_id"))
    return {"flows": shown, "types": types, "dirty": Flow.every.filter(dirty_since=None).count()}


@pytest.mark.parametrize(("steps", "names"), CASES.values(), ids=CASES)
def test_both_ids_lead_to_one_cascade_whatever_came_first(
    steps: list[Step], names: set[str]
) -> None:
    seen = []
    for seed in range(6):
        chance = random.Random(seed)
        order = list(steps) if seed == 0 else chance.sample(steps, len(steps))
        with undone():
            for step in order:
                step()
                if chance.random() < 0.5:
                    summarise_all()
            summarise_all()
            assert names <= set(FlowAlias.objects.values_list("alias", flat=True))
            assert {queries.flow_of(name).flow_id for name in names} == {"flow-1"}  # type: ignore[union-attr]
            (flow,) = Flow.objects.all()
            assert flow.events == Event.objects.count()
            seen.append(json.dumps(outcome()))
    assert len(set(seen)) == 1


def test_a_trace_that_many_orders_share_joins_none_of_them() -> None:
    for number in range(60):
        traced(f"order-{number}", number, **{"ce-correlationid": f"flow-{number}"})()
    traced("batch", 99)()
    summarise_all()
    assert not FlowAlias.objects.exists()
    assert Flow.objects.count() == 61
    assert queries.flow_of(T1).events == 1  # type: ignore[union-attr]


def test_a_name_of_one_order_is_taken_back_when_a_second_bears_it() -> None:
    traced("batch", 1)()
    traced("a", 2, **{"ce-correlationid": "flow-1"})()
    summarise_all()
    assert Flow.objects.get().events == 2
    traced("b", 3, **{"ce-correlationid": "flow-2"})()
    summarise_all()
    assert dict(Flow.objects.values_list("flow_id", "events")) == {"flow-1": 1, "flow-2": 1, T1: 1}
    assert set(FlowType.objects.values_list("type", "flow_id")) == {
        ("a", "flow-1"),
        ("b", "flow-2"),
        ("batch", T1),
    }


def test_what_arrives_later_under_another_name_is_in_the_summary() -> None:
    for step in CASES["another envelope of the trace bears the correlation"][0]:
        step()
    summarise_all()
    traced("mailed", 70)()
    assert Flow.objects.count() == 1
    summarise_all()
    flow = Flow.objects.get()
    assert (flow.events, FlowType.objects.filter(flow_id="flow-1").count()) == (3, 3)


@pytest.fixture
def client() -> Client:
    """A person who may read."""
    client = Client()
    client.force_login(User.objects.create_user("viewer", role="viewer"))
    return client


def test_page_api_and_search_lead_from_a_name_to_the_flow(client: Client) -> None:
    for step in CASES["another envelope of the trace bears the correlation"][0]:
        step()
    summarise_all()
    response = client.get(f"/orders/{T1}?view=table")
    assert (response.status_code, response["Location"]) == (302, "/orders/flow-1?view=table")
    assert T1[:8] in client.get("/orders/flow-1").content.decode()
    found = client.get(f"/api/cascades/{T1}").json()
    assert (found["correlation_id"], found["aliases"]) == (
        "flow-1",
        [{"id": T1, "evidence": "trace"}],
    )
    for text in (T1, T1[:9], "placed", "order:4711"):
        items = client.get("/api/cascades", {"q": text}).json()["items"]
        assert [item["correlation_id"] for item in items] == ["flow-1"], text


WORLD = [
    sent("a", 1, **NO_FLOW),
    sent("b", 2, ce_causationid="a", **NO_FLOW),
    sent("c", 3, ce_causationid="b", ce_correlationid="flow-2"),
    sent("d", 4, ce_causationid="a"),
    traced("e", 5, ce_causationid="d"),
    traced("f", 6, **{"ce-correlationid": "flow-1"}),
    traced("g", 7, of=T2, ce_causationid="h"),
    sent("h", 8, ce_causationid="g", **NO_FLOW),
    sent("i", 9, ce_causationid="i", **NO_FLOW),
    handled("d", 10, "j"),
    lambda: take(event("j", 11, **NO_FLOW)),
    lambda: take(event("j", 12, ce_source="/other", **NO_FLOW)),
    sent("k", 13, ce_causationid="j", ce_correlationid="flow-3"),
    told(span("consumer", 14, of=3, links=[(2, 7, CLOUD)], **CONVERSATION)),
    told(span("producer", 15, of=3, parent=14, cloudevents__event_id="l", **CLOUD)),
    sent("l", 16, ce_correlationid=""),
]


def arrived(order: Sequence[Step], pauses: set[int]) -> str:
    """The outcome when these come in this order, summarised after some of them."""
    with undone():
        for number, step in enumerate(order):
            step()
            if number in pauses:
                summarise_all()
        summarise_all()
        return json.dumps(outcome(), sort_keys=True)


@settings(max_examples=10, deadline=None)
@given(st.permutations(WORLD), st.sets(st.integers(0, 15)), st.lists(st.sampled_from(WORLD)))
def test_the_order_of_arrival_does_not_matter(
    order: list[Step], pauses: set[int], again: list[Step]
) -> None:
    assert arrived([*order, *again], pauses) == arrived(WORLD, set())


def test_retention_knows_names(client: Client) -> None:
    for step in CASES["another envelope of the trace bears the correlation"][0]:
        step()
    summarise_all()
    named = Event.objects.get(flow_id=T1)
    old = Old(named.pk, T1, named.published_at, bytes(named.identity))
    whole = Flow.objects.filter(flow_id="flow-1")
    whole.update(pinned_at=named.published_at)
    with writing():
        assert remove.events([old]) == 0
    whole.update(pinned_at=None)
    with writing():
        assert remove.events([old]) == 1
    assert whole.get().truncated_before == named.published_at
    Event.objects.all().delete()
    with writing():
        assert remove.summaries([Old(1, "flow-1", named.published_at)]) == 1
    left = (Flow.every, FlowAlias.objects, FlowTie.objects, FlowKey.objects)
    assert not any(rows.exists() for rows in left)
