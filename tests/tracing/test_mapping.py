"""Mappings: which one is meant, what it finds, and what happens where it does not fit."""

import json
from typing import Any

import msgspec
import pytest

from brokers.config import MappingConfig
from tests.tracing.test_foreign import NSERVICEBUS, read
from tracing.envelope import Envelope, Rules
from tracing.envelope.times import moment

PLACED: dict[str, Any] = {
    "meta": {
        "uid": "m-1",
        "cause": "m-0",
        "all/causes": ["m-0", "m-00", "m-0"],
        "at": 1787062984123,
    },
    "kind": "placed",
    "order": {"no": 4711, "shop": "Köln"},
    "lines": [{"sku": "a"}, {"sku": "b"}],
    "raw": '{"lines":[{"sku":"a"}]}',
    "nothing": None,
    "flag": True,
    "empty": " ",
}
BODY = json.dumps(PLACED).encode()
HEADERS = {"saga": "s-9", "traceparent": "x"}


def mapped(
    headers: dict[str, str] | None = None, raw: bytes | None = BODY, **said: Any
) -> Envelope:
    """The event of such a message under a mapping that says this."""
    rules = Rules({"any": "/order/shop"}, [MappingConfig(stream="orders.*", **said)])
    return read(headers if headers is not None else HEADERS, raw, rules=rules)


def test_everything_a_mapping_can_say() -> None:
    event = mapped(
        id="/meta/uid",
        source="=/legacy/orders",
        type="/kind",
        time="/meta/at",
        correlation="header:saga",
        causation="/meta/all~1causes",
        partition_key="/order/no",
        subject="/order/shop",
        body="/order",
        keys={"order": "/order/no", "sku": "/lines/*/sku", "saga": "header:saga", "x": "/no"},
    )
    assert (event.id, event.source, event.type) == ("m-1", "/legacy/orders", "placed")
    assert (str(event.time), event.time_text) == (
        "2026-08-18 14:23:04.123000+00:00",
        "1787062984123",
    )
    assert (event.correlation_id, event.causes) == ("s-9", ("m-0", "m-00"))
    assert (event.partition_key, event.subject) == ("4711", "Köln")
    assert json.loads(event.data or b"") == {"no": 4711, "shop": "Köln"}
    assert event.keys == (("order", "4711"), ("sku", "a"), ("sku", "b"), ("saga", "s-9"))
    assert event.headers == HEADERS
    assert event.extensions == {"readas": "mapping orders.*"}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"id": "/meta/uid"}, ("shop/orders", "m-1", "orders")),
        ({"type": "/kind"}, ("shop/orders.1", "5-0", "placed")),
        ({"source": "=x", "keys": {}}, ("x", "5-0", "orders")),
    ],
)
def test_what_is_not_mapped_is_known_by_position(
    said: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    event = mapped(**said)
    assert (event.source, event.id, event.type) == expected
    assert (event.data, event.correlation_id, event.causes) == (BODY, "", ())


def test_a_root_has_no_cause_and_a_text_may_be_the_body() -> None:
    event = mapped(causation="/meta/none", correlation="/nothing", time="/no", body="/raw")
    assert (event.causes, event.correlation_id, event.time) == ((), "", None)
    assert event.data == b'{"lines":[{"sku":"a"}]}'
    assert mapped(causation="/meta/cause").causes == ("m-0",)
    assert mapped(body="/lines").data == b'[{"sku":"a"},{"sku":"b"}]'
    assert mapped(body="header:saga").data == b"s-9"


@pytest.mark.parametrize(
    ("said", "body", "reason"),
    [
        ({"id": "/uid"}, BODY, "id: there is nothing at /uid"),
        ({"id": "/nothing"}, BODY, "id: there is nothing at /nothing"),
        ({"id": "header:Saga"}, BODY, "id: there is nothing at header:Saga"),
        ({"id": "/empty"}, BODY, "id: is empty"),
        ({"subject": "/lines/*/sku"}, BODY, "subject: is several values"),
        ({"time": "/meta/all~1causes"}, BODY, "time: is no time"),
        ({"type": "/meta"}, BODY, "type: is neither a text nor an integer"),
        ({"correlation": "/flag"}, BODY, "correlation: is neither a text nor an integer"),
        ({"causation": "/meta"}, BODY, "causation: is neither a text nor an integer"),
        ({"time": "/kind"}, BODY, "time: is no RFC 3339 time"),
        ({"time": "/order/no"}, BODY, "time: is no time since 1973"),
        ({"time": "/meta"}, BODY, "time: is no time"),
        ({"body": "/nix"}, BODY, "body: there is nothing at /nix"),
        ({"id": "/meta/uid"}, b"<html>", "id: there is nothing at /meta/uid"),
        ({"id": "/meta/uid"}, None, "id: there is nothing at /meta/uid"),
        (
            {"id": "/a"},
            json.dumps({"a": "x" * 2000}).encode(),
            "id: is longer than 1024 characters",
        ),
        ({"causation": "/a"}, json.dumps({"a": list(range(65))}).encode(), "more than 64 causes"),
    ],
)
def test_what_does_not_fit_is_known_by_position_and_says_why(
    said: dict[str, Any], body: bytes, reason: str
) -> None:
    event = mapped(raw=body, **said, keys={"order": "/order/no"})
    assert (event.source, event.id, event.type) == ("shop/orders.1", "5-0", "orders")
    assert (event.causes, event.keys) == ((), ())
    assert event.extensions["readas"].startswith("mapping orders.* does not fit: ")
    assert reason in event.extensions["readas"]


def test_the_first_that_is_meant_for_the_stream_is_the_one() -> None:
    mappings = [
        MappingConfig(stream="orders.1", broker="other", type="=no"),
        MappingConfig(stream="orders.[2-9]", type="=no"),
        MappingConfig(stream="orders.?", type="=yes"),
        MappingConfig(stream="*", type="=late"),
    ]
    rules = Rules({}, mappings)
    assert read({}, b"{}", rules=rules).type == "yes"
    assert rules.mapping("shop", "orders.1") is rules.mapping("shop", "orders.1") is mappings[2]
    assert rules.mapping("shop", "Orders.1") is mappings[3]
    assert Rules({}, mappings[:2]).mapping("shop", "orders.1") is None


def test_a_mapping_goes_over_what_was_recognised_and_never_over_cloud_events() -> None:
    event = mapped(NSERVICEBUS, type="/kind", keys={"order": "/order/no"})
    assert (event.id, event.type) == (NSERVICEBUS["NServiceBus.MessageId"], "placed")
    assert event.extensions["readas"] == "NServiceBus; mapping orders.*"
    assert event.keys == (("order", "4711"),)
    wire = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/a", "ce-type": "T"}
    event = mapped(wire, type="/kind")
    assert (event.type, event.extensions) == ("T", {})


def test_plain_fields_are_the_body_and_the_headers() -> None:
    fields = {"id": "7", "order": '{"no": 12}', "flow": "f"}
    event = mapped(fields, None, id="/id", correlation="header:flow", keys={"order": "/order/no"})
    assert (event.id, event.correlation_id, event.keys) == ("7", "f", (("order", "12"),))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-08-18T14:23:04Z", "2026-08-18T14:23:04+00:00"),
        ("2026-08-18T14:23:04.5+02:00", "2026-08-18T12:23:04.500000+00:00"),
        ("2026-08-18 14:23:04", "2026-08-18T14:23:04+00:00"),
        ("2026-08-18T14:23:04.123456789", "2026-08-18T14:23:04.123456+00:00"),
        ("2026-08-18 14:23:04+0200", "2026-08-18T12:23:04+00:00"),
        ("2026-08-18 14:23:04:000001 Z", "2026-08-18T14:23:04.000001+00:00"),
        (1787062984, "2026-08-18T14:23:04+00:00"),
        (1787062984.25, "2026-08-18T14:23:04.250000+00:00"),
        ("1787062984.5", "2026-08-18T14:23:04.500000+00:00"),
        ("1787062984123", "2026-08-18T14:23:04.123000+00:00"),
        (1787062984123456, "2026-08-18T14:23:04.123456+00:00"),
        (1787062984123456789, "2026-08-18T14:23:04.123456+00:00"),
    ],
)
def test_times_of_many_kinds(text: object, expected: str) -> None:
    assert moment(text).isoformat() == expected


@pytest.mark.parametrize(
    "text", [True, None, [], "", "today", 12, "4711", 10**20, float("nan"), -1]
)
def test_what_is_no_time(text: object) -> None:
    with pytest.raises(ValueError, match="is no"):
        moment(text)


def test_an_envelope_that_was_mapped_is_a_whole_one() -> None:
    event = mapped(id="/meta/uid", correlation="header:saga")
    assert event.flow_id == "s-9"
    assert msgspec.structs.replace(event, correlation_id="").flow_id == event.identity.hex()
