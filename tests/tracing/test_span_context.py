"""Spans as context: what ran within a delivery, on the panel and in JSON; nothing of others."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from kit.models import User
from tests.tracing.making import at
from tests.tracing.spanning import as_json, span, trace
from tracing import spans
from tracing.loading import load
from tracing.otlp import from_json
from tracing.otlp.within import LightSpan, Traces
from tracing.span_context import PER_TRACE, ran_within
from tracing.summariser import summarise_all

ORDERS: dict[str, Any] = {"messaging__destination__name": "orders"}
GROUP: dict[str, Any] = {"messaging__consumer__group__name": "payment"}


def light(name: str, parent: str, start: float, *, handles: bool = False) -> LightSpan:
    """A span of one trace."""
    return LightSpan("t", name, parent, name, 3, "shop", at(start), 5.0, False, handles)


FAILED: dict[str, Any] = {"error__type": "timeout", **ORDERS, **GROUP}
WITHIN = [
    light("late", "root", 3),
    light("early", "root", 1),
    light("below", "early", 2),
    light("handling", "root", 2, handles=True),
    light("of it", "handling", 2.5),
    light("elsewhere", "other", 1),
    light("round", "about", 1),
    light("about", "round", 1),
]


def test_what_ran_within_is_nested_by_parent_and_ends_at_the_next_handling() -> None:
    found = Traces([*WITHIN, WITHIN[0]]).within(("t", "root"), 10)
    assert [(depth, one.name) for depth, one in found.lines] == [
        (0, "early"),
        (1, "below"),
        (0, "late"),
    ]
    assert found.more == 0
    assert Traces(WITHIN[::-1]).within(("t", "root"), 10) == found


def test_a_circle_of_spans_ends() -> None:
    circle = [light("a", "b", 1), light("b", "a", 1)]
    assert [one.name for _, one in Traces(circle).within(("t", "a"), 10).lines] == ["b"]


def test_more_than_so_many_are_counted() -> None:
    many = [light(f"{n:03}", "root", n) for n in range(30)]
    found = Traces(many).within(("t", "root"), 20)
    assert (len(found.lines), found.more) == (20, 10)


def test_kinds_have_names() -> None:
    assert [light("a", "", 1)._replace(kind=kind).kind_name for kind in (0, 3, 5, 9)] == [
        *("unspecified", "client", "consumer", "unspecified")
    ]


pages = pytest.mark.django_db(transaction=True)


def take(*made: dict[str, Any], **resource: Any) -> None:
    """One request of one service."""
    spans.take(from_json(as_json(*made, **resource)).spans, keys={})


@pytest.fixture
def payment() -> str:
    """A payment that asked a provider and failed, then was tried again; the flow's ID."""
    failed = span("client", 4, of=1, parent=3, at_ms=25, took_ms=212)
    failed |= {"name": "POST payments-provider", "status": {"code": 2}}
    take(span("server", 1, of=1), span("producer", 2, of=1, parent=1, **ORDERS))
    take(
        span(
            "consumer", 3, of=1, parent=2, at_ms=20, took_ms=300, error__type="x", **ORDERS, **GROUP
        ),
        failed,
        span("internal", 5, of=1, parent=4, at_ms=30),
        span("consumer", 6, of=1, parent=2, at_ms=400, **ORDERS, **GROUP),
        *(span("internal", n, of=1, parent=6, at_ms=400 + n) for n in range(10, 40)),
        service__name="payment",
    )
    summarise_all()
    return trace(1)


@pytest.fixture
def client() -> Client:
    """A person who may read."""
    client = Client()
    client.force_login(User.objects.create_user("viewer", role="viewer"))
    return client


@pages
def test_the_panel_shows_what_ran_within_each_attempt(client: Client, payment: str) -> None:
    cascade = load(payment)
    assert cascade is not None
    (delivery,) = cascade.deliveries
    text = client.get(f"/orders/{payment}", {"node": delivery.id}).content.decode()
    text = text.replace("\u00a0", " ")
    assert "Ran within" in text
    assert "attempt 1" in text
    assert "attempt 2" in text
    assert "POST payments-provider" in text
    assert "0.21 s" in text
    assert "client of payment" in text
    assert "and 12 spans more" in text
    assert "span 1<" not in text


@pages
def test_json_bears_spans_only_when_they_are_asked_for(client: Client, payment: str) -> None:
    def nodes(query: str) -> list[dict[str, Any]]:
        answer = client.get(f"/api/cascades/{payment}{query}").json()
        return [node for node in answer["nodes"] if node["kind"] == "delivery"]

    assert all("spans" not in node for node in nodes(""))
    (node,) = nodes("?spans=true")
    first = node["spans"][0]
    assert first | {"started_at": ""} == {
        "trace_id": payment,
        "span_id": f"{4:016x}",
        "parent_id": f"{3:016x}",
        "depth": 0,
        "name": "POST payments-provider",
        "service": "payment",
        "kind": "client",
        "started_at": "",
        "duration_ms": 212.0,
        "failed": True,
        "attempt": 1,
    }
    assert [one["depth"] for one in node["spans"][:3]] == [0, 1, 0]
    assert (len(node["spans"]), node["more_spans"]) == (32, 0)


@pages
def test_one_query_a_trace_however_many_deliveries(payment: str) -> None:
    take(*(span("consumer", n, of=1, parent=2, at_ms=n, **ORDERS) for n in range(50, 80)))
    cascade = load(payment)
    assert cascade is not None
    with CaptureQueriesContext(connection) as asked:
        ran_within(cascade.deliveries, 20)
    assert len(asked) == 1
    assert f"LIMIT {PER_TRACE}" in asked[0]["sql"]
