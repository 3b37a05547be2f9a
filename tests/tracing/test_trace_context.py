"""The trace context of the event and that of its transport: both kept, both on the panel."""

from typing import Any

import pytest
from django.test import Client

from kit.models import User
from tests.tracing.posting import MANY, ONE, Post, event
from tracing import summariser
from tracing.models import Event

OWN = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
OTHER = "00-5bf92f3577b34da6a3ce929d0e0e4736-10f067aa0ba902b7-00"
pytestmark = pytest.mark.django_db(transaction=True)
TRANSPORT = {"traceparent": OTHER, "tracestate": "transport=1"}


def started(**more: Any) -> dict[str, Any]:
    """An event that bears its own context."""
    return event(traceparent=OWN, tracestate="start=1", **more)


def send(post: Post, mode: str) -> Event:
    """Post it in this mode; the row."""
    if mode == "binary":
        names = {f"ce-{name}": str(v) for name, v in started().items() if name != "data"}
        answer = post(b"{}", "application/json", **names, **TRANSPORT)
    else:
        body: Any = [started()] if mode == "batch" else started()
        answer = post(body, MANY if mode == "batch" else ONE, **TRANSPORT)
    assert answer.status_code == 202, answer.content
    return Event.objects.get()


@pytest.mark.parametrize("mode", ["structured", "binary", "batch"])
def test_both_are_kept_and_shown(post: Post, mode: str) -> None:
    row = send(post, mode)
    assert (row.traceparent, row.attributes) == (OWN, {"tracestate": "start=1"})
    assert row.headers == TRANSPORT
    assert row.flow_id == OWN.split("-")[1]
    summariser.summarise_all()
    client = Client()
    client.force_login(User.objects.create_user("viewer", role="viewer"))
    page = client.get(f"/orders/{row.flow_id}?node=e-{bytes(row.identity).hex()}").content.decode()
    envelope, _, headers = page.partition(">Headers<")
    assert OWN in envelope
    assert "start=1" in envelope
    assert OTHER in headers
    assert "transport=1" in headers
    assert "<dt>correlationid</dt>" not in page


def test_the_transport_names_the_flow_of_a_single_event_only(post: Post) -> None:
    assert post(event("1"), **TRANSPORT).status_code == 202
    assert Event.objects.get().flow_id == OTHER.split("-")[1]
    assert post([event("2"), event("3")], MANY, **TRANSPORT).status_code == 202
    batched = Event.objects.exclude(event_id="1")
    assert {row.flow_id for row in batched} == {bytes(row.identity).hex() for row in batched}
    assert all(row.headers == TRANSPORT for row in batched)


def test_two_traceparents_and_a_bad_tracestate(post: Post) -> None:
    post(event("1"), **{**TRANSPORT, "traceparent": f"{OTHER},{OTHER}"})
    post(event("2"), **{**TRANSPORT, "tracestate": "a=1,a=2"})
    found = {row.event_id: row.headers for row in Event.objects.all()}
    assert found == {"1": {}, "2": {"traceparent": OTHER}}
