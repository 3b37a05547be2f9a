"""Foreign programs, unchanged: the CloudEvents SDKs of Python and JavaScript, by the network.

Each is a process of its own that posts to the product's own web server.
"""

import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.bindings import amqp, http, kafka
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from tests.support.web import RunningWeb
from tracing.envelope import Envelope, from_amqp, from_headers, from_kafka, from_structured

PROGRAMS = Path(__file__).parent / "programs"
EDGES = {
    ("OrderPlaced", "PaymentCaptured"),
    ("OrderPlaced", "StockReserved"),
    ("PaymentCaptured", "OrderShipped"),
    ("StockReserved", "OrderShipped"),
}


def whole(served: tuple[RunningWeb, str], correlation: str) -> dict[str, Any]:
    """The cascade, once it is what the program made."""
    web, token = served
    cascade: dict[str, Any] = web.api(f"cascades/{correlation}", token)
    types = {node["id"]: node["type"] for node in cascade["nodes"]}
    assert sorted(types.values()) == [
        "OrderPlaced",
        "OrderShipped",
        "PaymentCaptured",
        "StockReserved",
    ]
    assert {(types[one["from"]], types[one["to"]]) for one in cascade["edges"]} == EDGES
    assert {one["evidence"] for one in cascade["edges"]} == {"causation"}
    assert cascade["anomalies"] == []
    return cascade


@pytest.mark.parametrize("mode", ["core-binary", "core-structured", "v1-binary", "v1-structured"])
def test_python(served: tuple[RunningWeb, str], mode: str) -> None:
    web, token = served
    correlation = str(uuid.uuid4())
    program = PROGRAMS / "shop_cloudevents.py"
    words = (sys.executable, program, f"{web.url}/api/events", token, mode, correlation)
    subprocess.run(words, check=True, timeout=120)
    cascade = whole(served, correlation)
    ids = {node["event_id"] for node in cascade["nodes"]}
    assert f"{correlation}/placed" + ("" if mode == "v1-binary" else " äöü 100%") in ids


@pytest.mark.parametrize("mode", ["binary", "structured"])
def test_javascript(served: tuple[RunningWeb, str], mode: str) -> None:
    folder = os.environ.get("NODE_PACKAGES")
    if not folder:
        pytest.skip("the packages of node are not here (NODE_PACKAGES= names their folder)")
    web, token = served
    correlation = str(uuid.uuid4())
    program = PROGRAMS / "shop_cloudevents.js"
    words = ("node", program, f"{web.url}/api/events", token, mode, correlation)
    paths = {**os.environ, "NODE_PATH": f"{folder}/node_modules"}
    subprocess.run(words, check=True, timeout=120, env=paths)
    whole(served, correlation)


ATTRIBUTES = {
    "id": "e-1/ü €",
    "source": "/foreign/shop",
    "type": "OrderPlaced",
    "subject": 'Größe "42" 100%',
    "correlationid": "c-1",
    "number": 7,
    "yes": True,
}


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("application/json", {"a": 1, "b": "ü"}),
        ("application/octet-stream", b"\x00\xff"),
        ("text/plain", "plain ü"),
    ],
)
def test_all_of_its_bindings_say_the_same(kind: str, data: Any) -> None:
    event = CloudEvent(attributes={**ATTRIBUTES, "datacontenttype": kind}, data=data)
    form = JSONFormat()
    binary = http.to_binary(event, form)
    record, structured_record = kafka.to_binary(event, form), kafka.to_structured(event, form)
    message, structured_message = amqp.to_binary(event, form), amqp.to_structured(event, form)
    found = [
        from_headers(binary.headers, binary.headers.get("content-type", ""), binary.body),
        from_structured(http.to_structured(event, form).body),
        from_kafka(record.headers.items(), record.value),
        from_kafka(structured_record.headers.items(), structured_record.value),
        *(
            from_amqp(
                one.application_properties.items(),
                one.properties["content-type"],
                one.application_data,
            )
            for one in (message, structured_message)
        ),
    ]
    assert all(one.time is not None for one in found)
    said = [(one.id, one.source, one.subject, one.correlation_id, one.data) for one in found]
    assert said == [said[0]] * len(found)
    assert said[0][:3] == (ATTRIBUTES["id"], "/foreign/shop", ATTRIBUTES["subject"])
    if isinstance(data, bytes):
        assert said[0][4] == data
    assert {one.content_type for one in found} == {kind}
    assert all(one.extensions["number"] == "7" for one in found)
    assert all(isinstance(one, Envelope) for one in found)
