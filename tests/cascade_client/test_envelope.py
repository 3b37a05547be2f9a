"""Stamping from the context, and the way to the wire and back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import context as otel_context
from opentelemetry import propagate

from cascade_client import Envelope, NotJson, correlated, fields
from cascade_client.context import Context, within
from cascade_client.envelope import (
    from_fields,
    join_causes,
    parse_json,
    read_body,
    split_causes,
    stamped,
    to_fields,
)
from cascade_client.errors import Malformed

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_an_event_outside_of_any_flow_starts_one() -> None:
    event = stamped(source="/shop", type="OrderPlaced", data={"order_id": 1})
    assert event.correlation_id
    assert event.causes == ()
    assert event.traceparent == ""


def test_an_event_is_stamped_from_its_context() -> None:
    token = otel_context.attach(propagate.extract({"traceparent": TRACEPARENT}))
    try:
        with within(Context("flow-1", cause="e-1", partition_key="order:7")):
            event = stamped(source="/s", type="T", data=None, causes=["e-2", "e-1"])
    finally:
        otel_context.detach(token)
    assert event.correlation_id == "flow-1"
    assert event.causes == ("e-1", "e-2")
    assert event.partition_key == "order:7"
    assert event.traceparent == TRACEPARENT


def test_correlated_gives_the_flow_and_ends() -> None:
    with correlated("flow-9"):
        assert stamped(source="/s", type="T", data=1).correlation_id == "flow-9"
    assert stamped(source="/s", type="T", data=1).correlation_id != "flow-9"


def test_the_wire_and_back() -> None:
    event = Envelope(
        id="1",
        source="/s",
        type="T",
        body=b'{"a":1}',
        time="2026-01-01T00:00:00.123456789Z",
        correlation_id="c",
        causes=("a,b", "c%d"),
        content_type="application/json",
        extensions={"severitytext": "INFO"},
        headers={"x-tenant": "é"},
    )
    pairs = to_fields(event)
    assert dict(pairs)[b"ce-causationid"] == b"a,b"
    assert dict(pairs)[b"ce-causationids"] == b"a%2Cb,c%25d"
    assert from_fields(pairs) == event


def test_replay_stamps_are_read_and_never_passed_on() -> None:
    event = from_fields(
        [(b"ce-type", b"T"), (b"cascadeattempt", b"7:1"), (b"cascadetarget", b"payment")]
    )
    assert (event.attempt, event.target) == ("7:1", "payment")
    assert event.headers == {}
    assert [name for name, _ in to_fields(event) if name.startswith(b"cascade")] == []


@pytest.mark.parametrize(
    "name", ["ce-id", "data", "content-type", "cascadetarget", "dead-letter-x"]
)
def test_a_header_cannot_take_a_name_of_ours(name: str) -> None:
    with pytest.raises(ValueError, match="reserved"):
        stamped(source="/s", type="T", data=1, headers={name: "x"})


@given(st.lists(st.text(min_size=1), max_size=5))
def test_causes_survive_being_joined(causes: list[str]) -> None:
    assert split_causes(join_causes(causes)) == causes


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html>", "byte 0x3c at position 0"),
        (b'{"a":1}x', "byte 0x78 at position 7"),
        (b'{"caf\xc3\xa9":x}', "byte 0x78 at position 9"),
        (b'"\xff"', "byte 0xff at position 1"),
        (b'{"a":', "ends at position 5"),
        (b"", "ends at position 0"),
        (b"[NaN]", "NaN is no JSON number"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_not_json_says_where(body: bytes, message: str) -> None:
    with pytest.raises(NotJson, match=message):
        parse_json(body)


def test_a_body_of_another_kind_stays_bytes() -> None:
    event = read_body(Envelope("1", "/s", "T", body=b"\x00", content_type="image/png"))
    assert event.data == b"\x00"


def test_an_event_needs_a_type() -> None:
    with pytest.raises(Malformed, match="ce-type"):
        read_body(Envelope("1", "/s", "", body=b"{}"))


def test_identity_separates_source_and_id() -> None:
    assert fields.identity("a", "bc") != fields.identity("ab", "c")
    assert len(fields.identity("", "")) == 16


def test_data_that_is_no_json_is_refused_before_it_is_sent() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        stamped(source="/s", type="T", data=float("nan"))
    assert json.loads(stamped(source="/s", type="T", data={"a": "é"}).body or b"") == {"a": "é"}
