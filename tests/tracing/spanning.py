"""Export requests made by hand, in JSON and protobuf."""

import json
from collections.abc import Mapping
from typing import Any

from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

START_NS = 1_787_061_600_000_000_000  # 2026-08-18T14:00:00Z
KINDS = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}


def trace(number: int) -> str:
    """A trace ID."""
    return f"{number:032x}"


def attributes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Attributes as on the wire."""
    names = {str: "stringValue", bool: "boolValue", int: "intValue", float: "doubleValue"}
    return [{"key": key, "value": {names[type(value)]: value}} for key, value in values.items()]


def span(
    kind: str,
    name: int,
    *,
    of: int = 1,
    parent: int = 0,
    at_ms: int = 0,
    took_ms: int = 10,
    links: list[tuple[int, int, dict[str, Any]]] | None = None,
    **said: Any,
) -> dict[str, Any]:
    """A span `name` of trace `of`; `said`: attributes, `__` for the dot."""
    start = START_NS + at_ms * 1_000_000
    return {
        "traceId": trace(of),
        "spanId": f"{name:016x}",
        "parentSpanId": f"{parent:016x}" if parent else "",
        "name": f"span {name}",
        "kind": KINDS[kind],
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": start + took_ms * 1_000_000,
        "attributes": attributes({key.replace("__", "."): value for key, value in said.items()}),
        "links": [
            {"traceId": trace(one), "spanId": f"{two:016x}", "attributes": attributes(more)}
            for one, two, more in links or []
        ],
    }


def request(*spans: Mapping[str, Any], **resource: Any) -> dict[str, Any]:
    """An export request of one service."""
    named = {"service.name": "shop", **{k.replace("__", "."): v for k, v in resource.items()}}
    return {
        "resourceSpans": [
            {"resource": {"attributes": attributes(named)}, "scopeSpans": [{"spans": list(spans)}]}
        ]
    }


def as_json(*spans: Mapping[str, Any], **resource: Any) -> bytes:
    """The JSON form."""
    return json.dumps(request(*spans, **resource)).encode()


def as_protobuf(*spans: Mapping[str, Any], **resource: Any) -> bytes:
    """The binary form: protobuf's own JSON has ids in base64, so they are put in as bytes."""
    bare = [
        {k: v for k, v in one.items() if not k.endswith("Id") and k != "links"} for one in spans
    ]
    message = ParseDict(request(*bare, **resource), ExportTraceServiceRequest())
    made = message.resource_spans[0].scope_spans[0].spans
    for one, target in zip(spans, made, strict=True):
        target.trace_id = bytes.fromhex(one["traceId"])
        target.span_id = bytes.fromhex(one["spanId"])
        target.parent_span_id = bytes.fromhex(one["parentSpanId"])
        for link in one["links"]:
            added = target.links.add()
            ParseDict({"attributes": link["attributes"]}, added)
            added.trace_id = bytes.fromhex(link["traceId"])
            added.span_id = bytes.fromhex(link["spanId"])
    return message.SerializeToString()
