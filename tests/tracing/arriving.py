"""Entries as they arrive, and the rows they become."""

import json
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

from msgspec.structs import astuple

from brokers.contract import Entry
from cascade_client.fields import RECEIPT_TYPE
from kit.writes import writing
from tracing import store
from tracing.models import Appearance, Event, Flow, FlowKey, Malformed, Receipt
from tracing.reading import appearance_rows
from tracing.rows import AppearanceRow
from tracing.store import Taken

KEYS = {"order": "/order_id", "package": "/lines/0/package"}
START = datetime(2026, 8, 18, 14, 0, tzinfo=UTC)


def event(
    event_id: str, at: int, *, stream: str = "orders.0", body: Any = None, **fields: str
) -> Entry:
    """An event of flow-1 published `at` milliseconds after START, at a position of its own."""
    headers = {
        "ce-specversion": "1.0",
        "ce-id": event_id,
        "ce-source": "/shop",
        "ce-type": "OrderPlaced",
        "ce-correlationid": "flow-1",
        "content-type": "application/json",
        **{name.replace("_", "-"): value for name, value in fields.items() if value},
    }
    headers = {name: value for name, value in headers.items() if fields.get(name) != ""}
    data = json.dumps({"order_id": 4711} if body is None else body).encode()
    return entry_of(stream, at, headers, data)


def receipt(name: str, at: int, outcome: str = "succeeded", **more: Any) -> Entry:
    """A receipt of payment for an event, written `at` milliseconds after START."""
    data = {
        "event_source": "/shop",
        "event_id": name,
        "consumer": "payment",
        "outcome": outcome,
        "started_at": "2026-08-18T14:00:00.5Z",
        **more,
    }
    headers = {
        "ce-specversion": "1.0",
        "ce-id": f"{name}/{outcome}",
        "ce-source": "/shop/payment",
        "ce-type": RECEIPT_TYPE,
    }
    return entry_of("cascade.receipts", at, headers, json.dumps(data).encode())


def entry_of(stream: str, at: int, headers: dict[str, str], data: bytes) -> Entry:
    time = START + timedelta(milliseconds=at)
    position = f"{int(time.timestamp() * 1000)}-0"
    return Entry("shop", stream, stream.split(".", maxsplit=1)[0], position, time, headers, data)


def take(*entries: Entry) -> Taken:
    """All in one transaction."""
    with writing():
        return store.take([store.seen(entry) for entry in entries], keys=KEYS)


def appearances() -> list[AppearanceRow]:
    """Where events were seen: by their own rows, and the further ones."""
    first = appearance_rows(Event.objects.exclude(position=""))
    found = chain(first, appearance_rows(Appearance.objects.all()))
    return sorted({row.place: row for row in found}.values(), key=lambda row: row.place)


def rows() -> dict[str, list[Any]]:
    """All that was stored, less what says when we received it."""

    def of(model: Any, *left_out: str) -> list[Any]:
        hidden = {"id", "received_at", *left_out}
        names = [f.name for f in model._meta.concrete_fields if f.name not in hidden]
        return sorted(
            [[_plain(value) for value in row] for row in model.objects.values_list(*names)],
            key=repr,
        )

    marks = ("dirty_since", "started_at", "last_at")
    return {
        "events": of(Event),
        "appearances": [astuple(row) for row in appearances()],
        "receipts": of(Receipt),
        "malformed": of(Malformed),
        "keys": of(FlowKey),
        "flows": of(Flow, *marks),
    }


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview | bytes) else value
