"""Messages of frameworks, as their documentation or own code writes them: no mapping is needed."""

import json
import struct
from base64 import b64encode
from typing import Any

import pytest

from brokers.contract import Entry
from tracing.envelope import Envelope, Rules, from_entry

ORDER = '{"order_id":4711,"total":19.90}'
CONVERSATION = "2c1a4d4c-8e7b-4a1f-9d36-ae2c00f1f8aa"
OWN = "dd9b4a1e-61b6-4f30-8b6c-ae2c00f1f901"
CAUSE = "aa0f5c1e-0000-4f30-8b6c-ae2c00f1f902"

NSERVICEBUS = {
    "NServiceBus.MessageId": OWN,
    "NServiceBus.RelatedTo": CAUSE,
    "NServiceBus.ConversationId": CONVERSATION,
    "NServiceBus.CorrelationId": "other",
    "NServiceBus.OriginatingEndpoint": "Sales",
    "NServiceBus.EnclosedMessageTypes": "Shop.OrderPlaced, Shop, Version=1.0.0.0;Shop.IEvent, Shop",
    "NServiceBus.TimeSent": "2026-08-18 14:23:04:123456 Z",
    "NServiceBus.ContentType": "application/json",
}
MASSTRANSIT = {
    "messageId": OWN,
    "correlationId": "c-9",
    "conversationId": CONVERSATION,
    "initiatorId": CAUSE,
    "sourceAddress": "rabbitmq://host/orders-service",
    "messageType": ["urn:message:Shop.Contracts:OrderPlaced", "urn:message:Shop.Contracts:IEvent"],
    "message": "ORDER",
    "sentTime": "2026-08-18T14:23:04.1234567Z",
    "headers": {"traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01", "MT-Activity": {"a": 1}},
    "host": {"machineName": "m"},
}
MASSTRANSIT_RAW = {
    "MessageId": OWN,
    "ConversationId": CONVERSATION,
    "CorrelationId": "c-9",
    "MT-MessageType": "urn:message:Shop.Contracts:OrderPlaced;urn:message:Shop.Contracts:IEvent",
    "MT-Source-Address": "rabbitmq://host/orders-service",
    "MT-InitiatorId": CAUSE,
}
CELERY = {
    "lang": "py",
    "task": "shop.tasks.charge",
    "id": OWN,
    "root_id": CONVERSATION,
    "parent_id": CAUSE,
    "group": None,
    "retries": 0,
    "argsrepr": "(4711,)",
    "origin": "gen1@host",
}
CELERY_BODY = '[[4711], {}, {"callbacks": null}]'
CELERY_WHOLE = {
    "body": b64encode(CELERY_BODY.encode()).decode(),
    "content-encoding": "utf-8",
    "content-type": "application/json",
    "headers": CELERY,
    "properties": {"correlation_id": OWN, "body_encoding": "base64", "delivery_tag": "t"},
}
EVENTBRIDGE = {
    "version": "0",
    "id": OWN,
    "detail-type": "OrderPlaced",
    "source": "shop.orders",
    "account": "111122223333",
    "time": "2026-08-18T14:23:04Z",
    "region": "eu-central-1",
    "resources": [],
    "detail": "ORDER",
}
SPRING = {
    "id": OWN,
    "timestamp": "1787062984123",
    "contentType": '"application/json"',
    "correlationId": CONVERSATION,
    "sequenceNumber": "2",
}
SPRING_KAFKA = {"spring_json_header_types": "{}", "__TypeId__": "com.shop.OrderPlaced"}
CHANGE: dict[str, Any] = {
    "before": None,
    "after": {"order_id": 4711, "total": "19.90"},
    "source": {
        **{"connector": "postgresql", "name": "shop", "db": "shop", "schema": "public"},
        **{"table": "orders", "ts_ms": 1787062984123, "lsn": 1},
    },
    "op": "c",
    "ts_ms": 1787062984999,
    "transaction": {"id": "571:53195829", "total_order": 3, "data_collection_order": 1},
}


def faststream(headers: dict[str, str], data: bytes) -> bytes:
    """As FastStream's BinaryMessageFormatV1.encode writes it."""
    packed = b"".join(
        struct.pack(">H", len(text.encode())) + text.encode()
        for pair in headers.items()
        for text in pair
    )
    head = b"\x89BIN\x0d\x0a\x1a\x0a" + struct.pack(">H", 1)
    start = len(head) + 8
    places = struct.pack(">II", start, 2 + start + len(packed))
    return head + places + struct.pack(">H", len(headers)) + packed + data


FASTSTREAM = {"correlation_id": CONVERSATION, "content-type": "application/json"}


def whole(document: dict[str, Any]) -> bytes:
    """The document with the order in the place of "ORDER", byte for byte."""
    return json.dumps(document).replace('"ORDER"', ORDER).encode()


def read(
    headers: dict[str, str], body: bytes | None, field: str = "data", rules: Rules | None = None
) -> Envelope:
    """The event of an entry on shop/orders.1 at 5-0."""
    entry = Entry("shop", "orders.1", "orders", "5-0", None, headers, body, field)
    event = from_entry(entry, rules or Rules({"order": "/order_id"}))
    assert isinstance(event, Envelope)
    return event


ORDERED = ORDER.encode()
CASES = {
    "NServiceBus": (
        read(NSERVICEBUS, ORDERED),
        *("Sales", OWN, "Shop.OrderPlaced", CONVERSATION, (CAUSE,), ORDERED),
    ),
    "MassTransit": (
        read({}, whole(MASSTRANSIT)),
        *("rabbitmq://host/orders-service", OWN, "Shop.Contracts:OrderPlaced", CONVERSATION),
        *((), ORDERED),
    ),
    "MassTransit raw": (
        read(MASSTRANSIT_RAW, ORDERED),
        *("rabbitmq://host/orders-service", OWN, "Shop.Contracts:OrderPlaced", CONVERSATION),
        *((), ORDERED),
    ),
    "Celery": (
        read({n: str(v) for n, v in CELERY.items()}, CELERY_BODY.encode()),
        *("celery", OWN, "shop.tasks.charge", CONVERSATION, (CAUSE,), CELERY_BODY.encode()),
    ),
    "Celery by kombu": (
        read({}, whole(CELERY_WHOLE)),
        *("celery", OWN, "shop.tasks.charge", CONVERSATION, (CAUSE,), CELERY_BODY.encode()),
    ),
    "EventBridge": (
        read({}, whole(EVENTBRIDGE)),
        *("shop.orders", OWN, "OrderPlaced", "", (), ORDERED),
    ),
    "Spring": (
        read(SPRING, ORDERED),
        *("shop/orders", OWN, "orders", CONVERSATION, (), ORDERED),
    ),
    "Spring by Kafka": (
        read(SPRING_KAFKA, ORDERED),
        *("shop/orders.1", "5-0", "com.shop.OrderPlaced", "", (), ORDERED),
    ),
    "Debezium": (
        read({}, whole(CHANGE), '{"order_id":4711}'),
        *("debezium/postgresql/shop", "5-0", "public.orders.created", "571:53195829"),
        *((), whole(CHANGE)),
    ),
    "Debezium with schema": (
        read({}, whole({"schema": {"type": "struct"}, "payload": CHANGE})),
        *("debezium/postgresql/shop", "5-0", "public.orders.created", "571:53195829"),
        *((), whole({"schema": {"type": "struct"}, "payload": CHANGE})),
    ),
    "FastStream": (
        read({}, faststream(FASTSTREAM, ORDERED), "__data__"),
        *("shop/orders.1", "5-0", "orders", CONVERSATION, (), ORDERED),
    ),
    "FastStream before 0.6": (
        read({}, json.dumps({"data": ORDER, "headers": FASTSTREAM}).encode()),
        *("shop/orders.1", "5-0", "orders", CONVERSATION, (), ORDERED),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_a_framework_says_is_understood(name: str) -> None:
    event, source, own, kind, correlation, causes, data = CASES[name]
    assert (event.source, event.id, event.type) == (source, own, kind)
    assert (event.correlation_id, event.causes) == (correlation, causes)
    assert event.data == data
    assert event.extensions == {"readas": name.partition(" ")[0]}


def test_times_types_and_headers_are_taken_over() -> None:
    assert CASES["NServiceBus"][0].time_text == "2026-08-18 14:23:04:123456 Z"
    assert str(CASES["NServiceBus"][0].time) == "2026-08-18 14:23:04.123456+00:00"
    assert str(CASES["MassTransit"][0].time) == "2026-08-18 14:23:04.123456+00:00"
    assert str(CASES["Debezium"][0].time) == str(CASES["Spring"][0].time)
    assert CASES["MassTransit"][0].headers["initiatorId"] == CAUSE
    assert CASES["MassTransit"][0].headers["traceparent"].startswith("00-aaa")
    assert CASES["Spring"][0].content_type == "application/json"
    assert CASES["Spring"][0].sequence == "2"
    assert CASES["FastStream"][0].headers["correlation_id"] == CONVERSATION
    assert CASES["Debezium"][0].partition_key == '{"order_id":4711}'
    assert CASES["Debezium with schema"][0].partition_key == ""


def test_the_keys_of_a_change_are_those_of_its_row() -> None:
    assert CASES["Debezium"][0].keys == (("order", "4711"),)
    gone = {**CHANGE, "op": "d", "before": CHANGE["after"], "after": None}
    event = read({}, whole(gone))
    assert (event.type, event.keys) == ("public.orders.deleted", (("order", "4711"),))


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"id": "1", "timestamp": "2"}, b"{}"),  # anybody's names
        ({"MessageId": OWN}, b"{}"),
        ({"task": "wash up"}, b"{}"),
        ({}, b'{"detail-type": "x", "detail": {}}'),
        ({}, b'{"op": "c", "source": "me", "ts_ms": 1}'),
        ({}, b'{"op": "c", "source": {"name": "me"}, "ts_ms": 1}'),
        ({}, b'{"messageType": "x", "message": {}}'),
        ({}, b'{"data": {}, "headers": {"correlation_id": 1}}'),
        ({}, b'{"headers": {"root_id": 1}, "properties": {}}'),
        ({}, faststream({}, b"")[:14]),
        ({}, b"\x89BIN\x0d\x0a\x1a\x0a" + b"\xff" * 40),
    ],
)
def test_what_only_looks_like_it_is_known_by_its_position(
    headers: dict[str, str], body: bytes
) -> None:
    event = read(headers, body)
    assert (event.source, event.id, event.type) == ("shop/orders.1", "5-0", "orders")
    assert (event.data, event.extensions, event.headers) == (body, {}, headers)


def test_what_cannot_be_stored_leaves_the_position_and_says_why() -> None:
    event = read({**NSERVICEBUS, "NServiceBus.MessageId": "x" * 1025}, ORDERED)
    assert (event.id, event.source) == ("5-0", "shop/orders.1")
    assert event.extensions["readas"] == (
        "NServiceBus does not fit: id: is longer than 1024 characters"
    )
    event = read({**NSERVICEBUS, "NServiceBus.TimeSent": "lunchtime"}, ORDERED)
    assert "time: is no RFC 3339 time" in event.extensions["readas"]


def test_a_cloud_event_in_the_body_needs_no_content_type() -> None:
    inner = {
        "specversion": "1.0",
        "id": "7",
        "source": "/js",
        "type": "OrderPlaced",
        "data": "ORDER",
    }
    event = read({"free": "x"}, whole(inner), "payload")
    assert (event.source, event.id, event.data) == ("/js", "7", ORDERED)
    assert event.headers == {"free": "x"}
    assert read({}, b'{"specversion": "1.0"}').id == "5-0"


def test_fields_without_a_body_are_the_body() -> None:
    fields = {"order_id": "4711", "lines": '[{"sku": "a"}]', "note": "{not json}"}
    event = read(fields, None)
    assert event.data is not None
    assert json.loads(event.data) == {**fields, "lines": [{"sku": "a"}]}
    assert event.headers == fields


@pytest.mark.parametrize("body", [b"<html>502</html>", b"", b"\xff\xfe\x00", b"[" * 100_000])
def test_any_body_is_kept(body: bytes) -> None:
    event = read({"free": "x"}, body)
    assert (event.id, event.data, event.content_type) == ("5-0", body, "")
