"""Envelopes by HTTP headers and as entries of a Redis stream."""

import json

import pytest

from brokers.contract import Entry
from tests.tracing.test_envelope import GOOD, TRACE
from tracing.envelope import (
    Envelope,
    EnvelopeError,
    Malformed,
    from_entry,
    from_headers,
    identity,
)


def test_http_binary() -> None:
    headers = {
        "Ce-SpecVersion": "1.0",
        "ce-id": '"a%20b\\"c"',
        "CE-SOURCE": "/shop",
        "ce-type": "OrderPlaced",
        "ce-subject": "Euro%20%E2%82%AC %F0%9F%98%80",
        "traceparent": TRACE,
        "authorization": "Bearer secret",
    }
    event = from_headers(headers, "text/plain", b"hello")
    assert (event.id, event.subject) == ('a b"c', "Euro € 😀")
    assert (event.content_type, event.data) == ("text/plain", b"hello")
    assert event.headers == {"traceparent": TRACE}
    assert event.flow_id == TRACE.split("-")[1]
    once = from_headers({**headers, "ce-subject": "%2541"}, "", b"")
    assert (once.subject, once.data) == ("%41", None)
    overlong = {"ce-subject": "%C0%A0"}  # of a space
    for bad in (
        *({"ce-datacontenttype": "a/b"}, {"ce-subject": "%ff"}, {"ce-time": "noon"}, overlong),
        *({"ce-subject": "%00"}, {"ce-subject": ""}, {"ce-id": '""'}, {"ce-my-name": "x"}),
    ):
        with pytest.raises(EnvelopeError):
            from_headers({**headers, **bad}, "text/plain", b"")


def entry(headers: dict[str, str], body: bytes | None = b"{}") -> Entry:
    """An entry of shop/orders.1 at 5-0."""
    return Entry("shop", "orders.1", "orders", "5-0", None, headers, body)


WIRE = {f"ce-{name}": value for name, value in GOOD.items()}


def test_redis_entry() -> None:
    fields = {
        **WIRE,
        "ce-subject": "",
        "ce-more": "",
        "content-type": "application/json",
        "free": "x\0y",
        "cascadeattempt": "17",
        "cascadetarget": "payment",
    }
    event = from_entry(entry(fields, b'{"a":1}'))
    assert isinstance(event, Envelope)
    assert (event.id, event.subject, event.data) == ("1", "", b'{"a":1}')
    assert (event.attempt, event.target) == ("17", "payment")
    assert (event.extensions, event.headers) == ({"more": ""}, {"free": "x\\x00y"})
    assert event.content_type == "application/json"


def test_redis_structured_entry() -> None:
    fields = {"content-type": "application/cloudevents+json; charset=utf-8", "free": "x"}
    event = from_entry(entry(fields, json.dumps({**GOOD, "data": 1}).encode()))
    assert isinstance(event, Envelope)
    assert (event.id, event.data, event.headers) == ("1", b"1", {"free": "x"})
    batch = {"content-type": "application/cloudevents-batch+json"}
    assert isinstance(from_entry(entry(batch, b"[]")), Malformed)


@pytest.mark.parametrize("body", [b'{"a":1}', None])
def test_a_message_without_attributes_is_known_by_its_position(body: bytes | None) -> None:
    event = from_entry(entry({"free": "x"}, body))
    assert isinstance(event, Envelope)
    assert (event.source, event.id, event.type) == ("shop/orders.1", "5-0", "orders")
    assert event.identity == identity("shop/orders.1", "5-0")


@pytest.mark.parametrize(
    ("fields", "body", "reason"),
    [
        ({**WIRE, "ce-time": "noon"}, b"{}", "time: is no RFC 3339 time"),
        ({**WIRE, "ce-source": ""}, b"{}", "source: is empty"),
        ({"ce-id": "1"}, b"{}", "specversion: is missing"),
        ({**WIRE, "ce-Upper": "x"}, b"{}", "Upper: attribute names"),
        ({**WIRE, "content-type": "json"}, b"{}", "datacontenttype: is no media type"),
        ({"content-type": "application/cloudevents+json"}, None, "is no JSON"),
        ({**WIRE, "cascadeattempt": "x" * 81}, b"{}", "cascadeattempt: is longer"),
    ],
)
def test_a_malformed_entry_says_why(
    fields: dict[str, str], body: bytes | None, reason: str
) -> None:
    found = from_entry(entry(fields, body))
    assert isinstance(found, Malformed)
    assert reason in found.reason
