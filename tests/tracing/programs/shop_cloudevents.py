"""A shop that sends CloudEvents by the SDK of Python: URL, token, mode, correlation ID.

Its mode is the SDK's API (`core` or `v1`) and how events go over HTTP (`binary` or `structured`).
"""

import sys
from typing import Any

import requests
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from cloudevents.v1 import http as v1


def main(url: str, token: str, mode: str, correlation: str) -> None:
    """An order that is paid for and reserved, and then shipped."""
    # the SDK's old API writes headers as they are, which the specification does not allow
    placed = f"{correlation}/placed" + ("" if mode == "v1-binary" else " äöü 100%")
    steps: list[dict[str, Any]] = [
        {"id": placed, "type": "OrderPlaced"},
        {"id": f"{correlation}/paid", "type": "PaymentCaptured", "causationid": placed},
        {"id": f"{correlation}/stock", "type": "StockReserved", "causationid": placed},
        {
            "id": f"{correlation}/shipped",
            "type": "OrderShipped",
            "causationids": f"{correlation}/paid,{correlation}/stock",
        },
    ]
    for step in steps:
        attributes = {
            **step,
            "source": "/foreign/shop",
            "correlationid": correlation,
            "datacontenttype": "application/json",
        }
        headers, body = encoded(mode, attributes, {"order_id": correlation, "note": "Größe"})
        named = {**headers, "Authorization": f"Bearer {token}"}
        answer = requests.post(url, data=body, headers=named, timeout=30)
        answer.raise_for_status()


def encoded(mode: str, attributes: dict[str, Any], data: Any) -> tuple[dict[str, str], bytes]:
    """The request the SDK makes of an event."""
    api, _, how = mode.partition("-")
    if api == "v1":
        old = v1.CloudEvent(attributes, data)
        encode = v1.to_binary if how == "binary" else v1.to_structured
        headers, body = encode(old)
        return headers, body
    event = CloudEvent(attributes=attributes, data=data)
    message = to_binary_event(event) if how == "binary" else to_structured_event(event)
    return message.headers, message.body


if __name__ == "__main__":
    main(*sys.argv[1:])
