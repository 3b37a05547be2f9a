"""CloudEvents as Kafka records and AMQP messages, rule by rule."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tests.tracing.test_envelope import GOOD, TRACE
from tracing.envelope import Envelope, EnvelopeError, FormatError, Mode, from_amqp, from_kafka
from tracing.envelope.modes import mode_of

Header = tuple[str, bytes | None]
KAFKA: list[Header] = [(f"ce_{name}", value.encode()) for name, value in GOOD.items()]
AMQP: list[tuple[str, object]] = [(f"cloudEvents:{name}", value) for name, value in GOOD.items()]
JSON = ("content-type", b"application/json")
STRUCTURED = "application/cloudevents+json; charset=UTF-8"


@pytest.mark.parametrize(
    ("content_type", "mode"),
    [
        ("", Mode.BINARY),
        ("application/json", Mode.BINARY),
        ("application/cloudevents+json", Mode.STRUCTURED),
        ("Application/CloudEvents+JSON ; Charset=UTF-8", Mode.STRUCTURED),
        ('application/cloudevents+json;charset="utf-8"', Mode.STRUCTURED),
        ("application/cloudevents+json; x=y; charset=us-ascii", Mode.STRUCTURED),
        ("application/cloudevents-batch+json", Mode.BATCH),
        ("APPLICATION/CLOUDEVENTS-BATCH+JSON", Mode.BATCH),
        ("application/cloudevents", None),
        ("application/cloudevents+avro", None),
        ("application/cloudevents-batch+avro", None),
        ("application/cloudeventsx+json", None),
        ("application/cloudevents+json; charset=utf-16", None),
    ],
)
def test_mode(content_type: str, mode: Mode | None) -> None:
    if mode is not None:
        assert mode_of(content_type) is mode
        return
    with pytest.raises(FormatError):
        mode_of(content_type)


def test_kafka_binary() -> None:
    more: list[Header] = [
        JSON,
        ("ce_subject", "Größe %41".encode()),
        ("ce_correlationid", b"flow"),
        ("ce_traceparent", TRACE.encode()),
        ("ce_absent", None),
        ("ce_empty", b""),
        ("x-source", b"a\xff"),
        ("x-source", b"b"),
        ("cascadeattempt", b"17"),
        ("cascadetarget", b"payment"),
    ]
    event = from_kafka([*KAFKA, *more], b'{"a": 1}')
    assert (event.id, event.source, event.type) == (GOOD["id"], GOOD["source"], GOOD["type"])
    assert event.subject == "Größe %41"  # nothing is percent-encoded
    assert (event.content_type, event.data) == ("application/json", b'{"a": 1}')
    assert (event.traceparent, event.flow_id) == (TRACE, "flow")
    assert event.extensions == {"empty": ""}
    assert event.headers == {"x-source": "a\\xff,b"}
    assert (event.attempt, event.target) == ("17", "payment")


def test_a_kafka_tombstone_is_an_event_without_data() -> None:
    assert from_kafka([*KAFKA, JSON], None).data is None
    assert from_kafka([*KAFKA, JSON], b"").data == b""


def test_what_is_structured_says_all_in_its_body() -> None:
    body = json.dumps({**GOOD, "data": {"a": 1}}).encode()
    own: list[Header] = [("content-type", STRUCTURED.encode()), ("ce_id", b"other")]
    kafka = from_kafka([*own, ("x", b"y"), ("cascadeattempt", b"3")], body)
    amqp = from_amqp(
        [("cloudEvents:id", "other"), ("x", "y"), ("cascadeattempt", "3")], STRUCTURED, body
    )
    assert kafka == amqp
    assert (kafka.id, kafka.data, kafka.headers) == ("1", b'{"a": 1}', {"x": "y"})
    assert (kafka.attempt, kafka.target) == ("3", "")


def blamed(headers: list[Header], value: bytes | None = b"{}") -> str:
    with pytest.raises(EnvelopeError) as caught:
        from_kafka(headers, value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ([JSON], "bears no attributes"),
        ([], "bears no attributes"),
        ([("ce-id", b"1")], "bears no attributes"),  # the prefix of HTTP
        (KAFKA[1:], "specversion: is missing"),
        ([*KAFKA, ("ce_id", b"2")], "id: is there twice"),
        ([*KAFKA, ("ce_id", None)], ""),
        ([*KAFKA, ("ce_more", b"\xff")], "more: is not UTF-8"),
        ([*KAFKA, ("content-type", b"\xff")], "datacontenttype: is not UTF-8"),
        ([*KAFKA, ("content-type", b"json")], "datacontenttype: is no media type"),
        ([*KAFKA, ("ce_Upper", b"x")], "Upper: attribute names"),
        ([*KAFKA, ("ce_data", b"x")], "data: attribute names"),
        ([*KAFKA, ("ce_time", b"noon")], "time: is no RFC 3339 time"),
        ([*KAFKA, ("ce_more", b"\x00")], "more: has the forbidden character U+0000"),
        ([("content-type", b"application/cloudevents-batch+json")], "a batch in one message"),
        ([("content-type", b"application/cloudevents+avro")], "only the JSON format"),
    ],
)
def test_what_is_no_event_on_kafka(headers: list[Header], reason: str) -> None:
    if reason:
        assert reason in blamed(headers)
    else:
        assert from_kafka(headers, b"{}")
    assert "is no JSON" in blamed([("content-type", STRUCTURED.encode())], None)


def test_the_content_type_header_is_what_counts_on_kafka() -> None:
    declared: list[Header] = [*KAFKA, ("ce_datacontenttype", b"text/plain")]
    assert from_kafka(declared, b"x").content_type == "text/plain"
    assert from_kafka([*declared, JSON], b"x").content_type == "application/json"


def test_the_transports_trace_is_kept_by_the_same_rules() -> None:
    sent: list[Header] = [*KAFKA, ("traceparent", TRACE.encode()), ("tracestate", b"a=1")]
    event = from_kafka([*sent, ("tracestate", b"b=2")], b"")
    assert event.headers == {"traceparent": TRACE, "tracestate": "a=1,b=2"}
    assert event.flow_id == TRACE.split("-")[1]
    assert from_kafka([*sent, ("traceparent", TRACE.encode())], b"").headers == {}
    amqp = from_amqp([*AMQP, ("traceparent", TRACE), ("tracestate", "A=1")], "", b"")
    assert amqp.headers == {"traceparent": TRACE}


NOON = datetime(2026, 8, 18, 12, 0, 0, 123_000, tzinfo=UTC)


@pytest.mark.parametrize("prefix", ["cloudEvents:", "cloudEvents_"])
@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("more", "text", "text"),
        ("more", True, "true"),
        ("more", False, "false"),
        ("more", -5, "-5"),
        ("more", 2**31 - 1, "2147483647"),
        ("more", "2147483648", "2147483648"),  # a text may say anything
        ("more", b"\0\1", "AAE="),
        ("more", NOON, "2026-08-18T12:00:00.123000Z"),
        ("time", 1_787_054_400_123, "2026-08-18T12:00:00.123000Z"),
        ("time", NOON, "2026-08-18T12:00:00.123000Z"),
        ("time", NOON.replace(tzinfo=None), "2026-08-18T12:00:00.123000Z"),
        ("time", NOON.astimezone(timezone(timedelta(hours=2))), "2026-08-18T14:00:00.123000+02:00"),
        ("time", "2026-08-18T12:00:00.123456789Z", "2026-08-18T12:00:00.123456789Z"),
    ],
)
def test_amqp_values_are_native_or_texts(prefix: str, name: str, value: object, text: str) -> None:
    properties = [(f"{prefix}{own.partition(':')[2]}", each) for own, each in AMQP]
    event = from_amqp([*properties, (f"{prefix}{name}", value)], "text/plain", b"x")
    assert (event.content_type, event.data, event.id) == ("text/plain", b"x", "1")
    assert (event.time_text if name == "time" else event.extensions["more"]) == text
    assert event.time in (None, NOON, NOON.replace(microsecond=123_456))


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ([], "bears no attributes"),
        ([("ce_id", "1")], "bears no attributes"),
        ([*AMQP, ("cloudEvents_id", "2")], "id: is there twice"),
        ([*AMQP[:1], ("cloudEvents:id", 7), *AMQP[2:]], "id: is not a string"),
        ([*AMQP[:1], ("cloudEvents:id", b"7"), *AMQP[2:]], "id: is not a string"),
        ([*AMQP[:1], ("cloudEvents:id", NOON), *AMQP[2:]], "id: is not a string"),
        ([*AMQP, ("cloudEvents:more", 2**31)], "more: is no 32-bit integer"),
        ([*AMQP, ("cloudEvents:more", 1.5)], "more: is neither"),
        ([*AMQP, ("cloudEvents:more", ["x"])], "more: is neither"),
        ([*AMQP, ("cloudEvents:time", True)], "time: is not a string"),
        ([*AMQP, ("cloudEvents:time", 2**63)], "time: is no time of this calendar"),
        ([*AMQP, ("cloudEvents:datacontenttype", "a/b")], "datacontenttype: is the content-type"),
    ],
)
def test_what_is_no_event_on_amqp(properties: list[tuple[str, object]], reason: str) -> None:
    with pytest.raises(EnvelopeError, match="^" + reason):
        from_amqp(properties, "text/plain", b"x")


def test_amqp_refuses_a_batch_and_keeps_other_properties() -> None:
    with pytest.raises(EnvelopeError, match="batch"):
        from_amqp(AMQP, "application/cloudevents-batch+json", b"[]")
    others: list[tuple[str, Any]] = [("x-count", 3), ("x-raw", b"\xff"), ("x-none", None)]
    event = from_amqp([*AMQP, *others], "", None)
    assert isinstance(event, Envelope)
    assert (event.headers, event.data) == ({"x-count": "3", "x-raw": "\\xff"}, None)
