"""Large bodies: kept apart and marked, read through one function, whatever the order."""

import json
from collections.abc import Iterator
from itertools import permutations
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from brokers.retention import LARGE_PAYLOAD
from kit.limits import Intake
from kit.models import User
from tests.tracing.arriving import entry_of, event, take
from tracing import summariser
from tracing.bodies import body_of
from tracing.models import Event, FlowKey, Payload

EVENT_BYTES = Intake().event_bytes
pytestmark = pytest.mark.django_db


def document(size: int, **more: Any) -> dict[str, Any]:
    """A JSON document of so many bytes."""
    bare = {"order_id": 4711, **more, "text": ""}
    return bare | {"text": "x" * (size - len(json.dumps(bare)))}


@pytest.mark.parametrize(
    ("size", "apart"), [(LARGE_PAYLOAD, False), (LARGE_PAYLOAD + 1, True), (EVENT_BYTES, True)]
)
def test_a_large_body_is_kept_apart_and_read_as_it_came(size: int, apart: bool) -> None:
    sent = event("e1", 1, body=document(size))
    take(sent, event("e2", 2))
    row = Event.objects.get(event_id="e1")
    assert (row.data is None, row.size, Payload.objects.count()) == (apart, size, int(apart))
    assert body_of(row) == sent.body
    assert body_of(Event.objects.get(event_id="e2")) == b'{"order_id": 4711}'
    assert FlowKey.objects.filter(key="order:4711").exists()  # found in all of it


def test_beyond_the_most_it_is_cut_and_bears_its_true_size() -> None:
    sent = event("e1", 1, body=document(EVENT_BYTES + 5))
    take(sent)
    row = Event.objects.get()
    assert row.size == EVENT_BYTES + 5
    assert body_of(row) == (sent.body or b"")[:EVENT_BYTES]


def test_an_event_without_a_body_has_none() -> None:
    headers = {"ce-specversion": "1.0", "ce-id": "e1", "ce-source": "/shop", "ce-type": "T"}
    entry = entry_of("orders.0", 1, headers, b"")
    take(entry)
    assert not body_of(Event.objects.get())


def test_the_earliest_body_is_the_events_whatever_came_first() -> None:
    bodies = (document(LARGE_PAYLOAD + 9), document(LARGE_PAYLOAD + 8), {"order_id": 1})
    sent = [event("e1", at, body=body) for at, body in enumerate(bodies, 1)]
    for order in permutations(sent):
        Event.objects.all().delete()
        for entry in order:
            take(entry)
        row = Event.objects.get()
        assert (row.size, body_of(row)) == (LARGE_PAYLOAD + 9, sent[0].body)


def test_small_bodies_cost_no_further_statement() -> None:
    def statements(number: int, size: int) -> int:
        with CaptureQueriesContext(connection) as asked:
            take(event(f"e{number}", number, body=document(size)))
        return len(asked)

    small = statements(1, 100)
    assert statements(2, LARGE_PAYLOAD) == small
    assert statements(3, LARGE_PAYLOAD + 1) == small + 1


@pytest.fixture
def client() -> Iterator[Client]:
    client = Client()
    client.force_login(User.objects.create_user("viewer", role="viewer"))
    yield client


def test_the_panel_says_so(client: Client) -> None:
    take(event("e1", 1, body=document(400 * 1024)))
    summariser.summarise_all()
    text = client.get("/orders/flow-1").content.decode().replace("\N{NO-BREAK SPACE}", " ")
    assert "large: 400.0 KiB, kept apart, cut here" in text
    assert "&quot;order_id&quot;: 4711" in text


def test_the_panel_says_what_is_left_of_a_cut_one(client: Client) -> None:
    take(event("e1", 1, body=document(3 * EVENT_BYTES)))
    summariser.summarise_all()
    text = client.get("/orders/flow-1").content.decode().replace("\N{NO-BREAK SPACE}", " ")
    assert "large: 3.0 MiB, kept apart, the first 1.0 MiB of it, cut here" in text
