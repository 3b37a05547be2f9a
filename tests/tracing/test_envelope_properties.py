"""Whatever comes in: an envelope or a reason, never another error; and the formats agree."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from brokers.contract import Entry
from cascade_client import envelope as client
from tracing.envelope import (
    BatchError,
    Envelope,
    EnvelopeError,
    Malformed,
    from_amqp,
    from_batch,
    from_entry,
    from_headers,
    from_kafka,
    from_structured,
    mode_of,
)
from tracing.envelope.json_format import is_deeper
from tracing.keys import keys_of

NAMES = st.sampled_from(
    (
        *("specversion", "id", "source", "type", "time", "subject", "data", "data_base64", "more"),
        *("correlationid", "causationids", "traceparent", "tracestate", "datacontenttype", "Up"),
    )
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn", "Co"]), min_size=1, max_size=40)
EVENTS = st.fixed_dictionaries(
    {"id": TEXT, "type": TEXT, "source": st.sampled_from(["/a", "urn:b", "https://c/d#e"])},
    optional={
        "subject": TEXT,
        "correlationid": TEXT,
        "partitionkey": TEXT,
        "sequence": TEXT,
        "more": TEXT,
    },
)


@given(st.dictionaries(NAMES, JSON | st.text()), st.binary(max_size=20))
def test_json_never_fails_in_another_way(members: dict[str, Any], noise: bytes) -> None:
    good = {"specversion": "1.0", "id": "1", "source": "/a", "type": "T"}
    for document in (members, {**good, **members}):
        body = json.dumps(document).encode()
        for text in (body, body[: len(body) // 2] + noise, noise):
            try:
                assert isinstance(from_structured(text), Envelope)
            except EnvelopeError as error:
                assert error.reason
            try:
                from_batch(b"[" + text + b"," + body + b"]")
            except (EnvelopeError, BatchError) as error:
                assert str(error)


@given(
    st.dictionaries(
        st.sampled_from(["ce-id", "ce-source", "content-type", "x"]) | st.text(), st.text()
    ),
    st.none() | st.binary() | JSON.map(lambda value: json.dumps(value).encode()),
)
def test_an_entry_is_an_envelope_or_malformed(headers: dict[str, str], body: bytes | None) -> None:
    fields = {**headers, "ce-specversion": "1.0", "ce-type": "T"}
    for given_headers in (headers, fields):
        entry = Entry("shop", "orders.0", "orders", "1-0", None, given_headers, body)
        found = from_entry(entry)
        assert isinstance(found, Envelope | Malformed)
        if isinstance(found, Envelope):
            keys_of(found, {"order": "/order_id", "first": "/0", "each": "/*/a"}, str.__add__)
            json.dumps([found.headers, found.extensions]).encode()  # storable


HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["id", "source", "time", "more", "traceparent", "datacontenttype"])
        | st.text(max_size=5),
        st.sampled_from(["/a", "1", "%41", "%ff", '"x', "\\", "2026-08-18T14:23:04Z"]) | st.text(),
    )
)
CONTENT_TYPES = (
    st.sampled_from(
        (
            *("", "application/json", "application/cloudevents+json", "a/b; c"),
            *("application/cloudevents-batch+json", "application/cloudevents+avro"),
        )
    )
    | st.text()
)
GOOD = [("specversion", "1.0"), ("id", "1"), ("source", "/a"), ("type", "T")]
BODIES = st.binary() | JSON.map(lambda value: json.dumps(value).encode())


def prefixed(prefix: str, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The pairs as attributes, beside the same as other headers."""
    return [(f"{prefix}{name}", text) for name, text in pairs] + pairs


@given(HEADERS, CONTENT_TYPES, BODIES)
def test_http_headers_are_an_envelope_or_refused(
    pairs: list[tuple[str, str]], content_type: str, body: bytes
) -> None:
    for named in (prefixed("ce-", pairs), prefixed("ce-", GOOD) + prefixed("CE-", pairs)):
        try:
            mode_of(content_type)
            found = from_headers(dict(named), content_type, body)
        except EnvelopeError as error:
            assert str(error)
        else:
            json.dumps([found.headers, found.extensions]).encode()  # storable


@given(HEADERS, CONTENT_TYPES, BODIES, st.binary())
def test_a_kafka_record_is_an_envelope_or_refused(
    pairs: list[tuple[str, str]], content_type: str, body: bytes, noise: bytes
) -> None:
    for named in (prefixed("ce_", pairs), prefixed("ce_", GOOD) + prefixed("ce_", pairs)):
        headers: list[tuple[str, bytes | None]] = [(name, text.encode()) for name, text in named]
        headers += [("ce_raw", noise)] * (len(body) % 2)
        headers += [("content-type", content_type.encode()), ("x", noise), ("y", None)]
        for value in (body, noise, None):
            try:
                found = from_kafka(headers, value)
            except EnvelopeError as error:
                assert str(error)
            else:
                json.dumps([found.headers, found.extensions]).encode()


TYPED: st.SearchStrategy[object] = (
    st.text() | st.integers() | st.booleans() | st.binary() | st.datetimes() | st.none() | FLOATS
)


@given(
    st.lists(st.tuples(st.sampled_from(["id", "time", "more", "subject"]) | st.text(), TYPED)),
    CONTENT_TYPES,
    BODIES,
)
def test_an_amqp_message_is_an_envelope_or_refused(
    pairs: list[tuple[str, object]], content_type: str, body: bytes
) -> None:
    for prefix in ("cloudEvents_", "cloudEvents:"):
        own: list[tuple[str, object]] = [(f"{prefix}{name}", value) for name, value in pairs]
        good: list[tuple[str, object]] = [(f"{prefix}{name}", value) for name, value in GOOD]
        for properties in (own + pairs, good + own + pairs):
            try:
                found = from_amqp(properties, content_type, body)
            except EnvelopeError as error:
                assert str(error)
            else:
                json.dumps([found.headers, found.extensions]).encode()


@given(EVENTS, JSON)
def test_the_formats_agree(attributes: dict[str, str], data: Any) -> None:
    body = json.dumps(data).encode()
    named = {**attributes, "specversion": "1.0", "datacontenttype": "application/json"}
    structured = json.dumps({**named, "data": data}).encode()
    wire = {f"ce-{name}": text for name, text in named.items() if name != "datacontenttype"}
    entry = Entry("s", "o", "o", "1-0", None, {**wire, "content-type": "application/json"}, body)
    http = {
        name: "".join(f"%{byte:02X}" for byte in text.encode()) if name != "ce-source" else text
        for name, text in wire.items()
    }
    one = from_structured(structured)
    assert from_batch(b"[" + structured + b"]") == [one]
    assert from_entry(entry) == one
    kafka = {name.replace("ce-", "ce_"): text.encode() for name, text in wire.items()}
    assert from_kafka([*kafka.items(), ("content-type", b"application/json")], body) == one
    amqp = [(name.replace("ce-", "cloudEvents_"), text) for name, text in wire.items()]
    assert from_amqp(amqp, "application/json", body) == one
    assert from_headers(http, "application/json", body) == one


@given(EVENTS, st.lists(TEXT, max_size=4, unique=True))
def test_what_the_client_publishes_is_read_back(
    attributes: dict[str, str], causes: list[str]
) -> None:
    event = client.Envelope(
        id=attributes["id"],
        source=attributes["source"],
        type=attributes["type"],
        body=b"{}",
        subject=attributes.get("subject", ""),
        correlation_id=attributes.get("correlationid", ""),
        causes=tuple(causes),
        content_type="application/json",
    )
    fields = [(name.decode(), value.decode()) for name, value in client.to_fields(event)]
    headers = {name: value for name, value in fields if name != "data"}
    found = from_entry(Entry("s", "o", "o", "1-0", None, headers, b"{}"))
    assert isinstance(found, Envelope)
    assert (found.id, found.causes) == (event.id, event.causes)
    assert found.correlation_id == event.correlation_id


@given(JSON, st.integers(1, 6))
def test_depth(value: Any, bound: int) -> None:
    def depth(node: Any) -> int:
        inner = list(node.values()) if isinstance(node, dict) else node
        return 1 + max(map(depth, inner), default=0) if isinstance(inner, list) else 0

    assert is_deeper(json.dumps(value).encode(), bound) == (depth(value) > bound)
