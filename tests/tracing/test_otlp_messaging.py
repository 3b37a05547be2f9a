"""What a span says of messages, by new and old names; arbitrary bytes are refused, no more."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tracing.spanning import as_json, as_protobuf, span, trace
from tracing.otlp import Reading, Refused, Span, from_json, from_protobuf
from tracing.otlp.decode import Decoded
from tracing.otlp.model import SOURCE

NEW: dict[str, Any] = {
    "messaging__system": "kafka",
    "messaging__destination__name": "orders",
    "messaging__message__conversation_id": "order-1",
}
OLD: dict[str, Any] = {
    "messaging__system": "kafka",
    "messaging__destination": "orders",
    "messaging__conversation_id": "order-1",
}
CLOUD: dict[str, Any] = {"cloudevents.event_id": "e1", "cloudevents.event_source": "/shop"}


def one(kind: str, **more: Any) -> Span:
    """The span as read; the same from both encodings."""
    made = span(kind, 7, of=3, **more)
    service = {"service__version": "1.8.0", "service__instance__id": "p-1"}
    found = from_json(as_json(made, **service))
    assert found == from_protobuf(as_protobuf(made, **service))
    assert (found.rejected, len(found.spans)) == (0, 1)
    return found.spans[0]


def reading(kind: str, **more: Any) -> Reading:
    """What it says of messages, which is something."""
    said = one(kind, **more).reading
    assert said is not None
    return said


def place(of: int, name: int) -> tuple[str, str]:
    """Source and id of an event known by its span."""
    return SOURCE, f"{trace(of)}-{name:016x}"


def named(said: Reading) -> list[tuple[str, str]]:
    return [(message.source, message.id) for message in said.messages]


@pytest.mark.parametrize("names", [NEW, OLD])
def test_a_producer_makes_an_event(names: dict[str, Any]) -> None:
    said = reading("producer", **names, messaging__kafka__message__key="k")
    assert (said.role, named(said)) == ("sent", [place(3, 7)])
    assert (said.destination, said.type, said.conversation) == ("orders", "orders", "order-1")
    assert said.key == "k"


def test_cloudevents_names_are_the_identity() -> None:
    cloud: dict[str, Any] = {key.replace(".", "__"): value for key, value in CLOUD.items()}
    said = reading(
        "producer",
        **NEW,
        **cloud,
        cloudevents__event_type="OrderPlaced",
        cloudevents__event_subject="s",
    )
    assert named(said) == [("/shop", "e1")]
    assert (said.type, said.subject) == ("OrderPlaced", "s")
    handled = reading("consumer", **NEW, **cloud, links=[(1, 1, {})])
    assert named(handled) == [("/shop", "e1")]
    assert handled.messages[0].made_by == (trace(1), f"{1:016x}")


@pytest.mark.parametrize(
    ("said", "consumer"),
    [
        ({"messaging__operation__type": "process"}, "shop"),
        ({"messaging__operation": "process", "messaging__kafka__consumer__group": "old"}, "old"),
        ({"messaging__consumer__group__name": "new"}, "new"),
        ({"messaging__destination__subscription__name": "sub"}, "sub"),
        ({"messaging__operation__name": "consume"}, "shop"),
    ],
)
def test_processing_is_a_delivery(said: dict[str, Any], consumer: str) -> None:
    found = reading("consumer", **said, links=[(1, 1, {})], parent=9)
    assert (found.role, found.consumer, named(found)) == ("handled", consumer, [place(1, 1)])


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("client", {"messaging__operation__type": "send"}),
        ("client", {"messaging__operation__type": "receive"}),
        ("consumer", {"messaging__operation": "receive"}),
        ("client", {"messaging__operation__type": "settle"}),
        ("consumer", {}),
        ("internal", {}),
        ("server", {"http__route": "/orders"}),
    ],
)
def test_the_others_are_context(kind: str, said: dict[str, Any]) -> None:
    assert one(kind, **said).reading is None


def test_which_message_was_handled() -> None:
    by_link = reading("consumer", **NEW, links=[(1, 1, {})], parent=5, messaging__message__id="m")
    assert named(by_link) == [place(1, 1)]
    by_parent = reading("consumer", **NEW, parent=5, messaging__message__id="m")
    assert named(by_parent) == [place(3, 5)]
    by_id = reading("consumer", **NEW, messaging__message__id="m")
    assert named(by_id) == [("kafka/orders", "m")]
    assert named(reading("consumer", **NEW)) == [place(3, 7)]


def test_a_batch_is_a_delivery_of_each_link() -> None:
    links = [(1, 1, {"messaging.message.id": "a"}), (2, 1, {"messaging.message.id": "b"} | CLOUD)]
    strange: tuple[int, int, dict[str, Any]] = (9, 9, {})  # says nothing of messages
    said = reading("consumer", **NEW, links=[*links, strange], parent=5)
    assert named(said) == [place(1, 1), ("/shop", "e1")]


def test_a_send_of_created_messages_makes_none() -> None:
    links = [(1, 1, {"messaging.message.id": "a"})]
    assert one("producer", **NEW, links=links, messaging__operation__type="send").reading is None
    create = reading("internal", **NEW, messaging__operation__type="create")
    assert create.role == "sent"
    linked = reading("producer", **NEW, links=links)
    assert linked.causes == (place(1, 1)[1],)


def test_failures() -> None:
    made = span("consumer", 1, **NEW, error__type="timeout")
    (found,) = from_json(as_json(made)).spans
    assert found.failed
    assert found.failure is not None
    assert found.failure.type == "timeout"
    text = as_json(span("consumer", 1, **NEW)).decode()
    status = '"status": {"code": 2, "message": "bad card"}, "links"'
    event = (
        '"events": [{"name": "exception", "attributes": [{"key": "exception.type",'
        ' "value": {"stringValue": "CardError"}}]}], '
    )
    (found,) = from_json(text.replace('"links"', event + status).encode()).spans
    assert found.failure is not None
    assert (found.failure.type, found.failure.message) == ("CardError", "bad card")


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused_or_read(body: bytes) -> None:
    for decode in (from_json, from_protobuf):
        try:
            assert isinstance(decode(body), Decoded)
        except Refused as error:
            assert error.status == 400


GOOD = [
    as_protobuf(
        span("producer", 1, **NEW),
        span("consumer", 2, parent=1, links=[(1, 1, CLOUD)], **NEW),
    ),
    as_json(span("consumer", 2, parent=1, links=[(1, 1, CLOUD)], **NEW)),
]


@given(st.sampled_from(GOOD), st.data())
def test_a_good_request_with_broken_bytes_is_refused_or_read(body: bytes, data: Any) -> None:
    broken = bytearray(body)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(broken) - 1))
        broken[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    for decode in (from_json, from_protobuf):
        try:
            assert isinstance(decode(bytes(broken)), Decoded)
        except Refused as error:
            assert error.status == 400


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
_NAMES = st.sampled_from(
    [
        "resourceSpans",
        "scopeSpans",
        "spans",
        "traceId",
        "spanId",
        "parentSpanId",
        "startTimeUnixNano",
        "attributes",
        "key",
        "value",
        "stringValue",
        "intValue",
        "links",
        "events",
        "name",
        "kind",
        "status",
        "code",
        "message",
    ]
)
_JSON = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=5),
    max_leaves=20,
)


@given(_JSON, st.sampled_from(["traceId", "startTimeUnixNano", "kind", "attributes", "links"]))
def test_any_json_in_any_place_is_refused_or_read(value: Any, name: str) -> None:
    for document in (value, {"resourceSpans": [{"scopeSpans": [{"spans": [{name: value}]}]}]}):
        try:
            from_json(json.dumps(document).encode("utf-8", "surrogatepass"))
        except Refused as error:
            assert error.status == 400


@pytest.mark.parametrize("number", [b"1e400", b"9" * 5000, b"-1", b"18446744073709551615", b"1.5"])
@pytest.mark.parametrize("name", [b"startTimeUnixNano", b"endTimeUnixNano", b"kind"])
def test_numbers_of_any_size(name: bytes, number: bytes) -> None:
    made = span("producer", 1)
    made.pop(name.decode())
    for form in (number, b'"' + number + b'"'):
        body = as_json(made).replace(b'"name"', b'"%s": %s, "name"' % (name, form), 1)
        try:
            assert len(from_json(body).spans) <= 1
        except Refused as error:
            assert error.status == 400


@pytest.mark.parametrize("depth", [90, 100_000])
def test_nesting(depth: int) -> None:
    nested = b'{"arrayValue": {"values": [' * depth + b"]}}" * depth
    body = as_json(span("producer", 1)).replace(
        b'"attributes": []', b'"attributes": [{"key": "x", "value": %s}]' % nested, 1
    )
    try:
        from_json(body)
    except Refused as error:
        assert error.status == 400
    else:
        assert depth == 90
