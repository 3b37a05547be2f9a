"""Rows for tests of the pure modules, at seconds from one moment."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tracing.envelope import identity
from tracing.rows import AppearanceRow, EventRow, ReceiptRow

START = datetime(2026, 8, 18, 14, 23, 4, tzinfo=UTC)
SOURCE = "/shop/orders"


def at(seconds: float) -> datetime:
    """The moment this many seconds after the start."""
    return START + timedelta(seconds=seconds)


def ident(event_id: str) -> bytes:
    """The identity of an event of the test source."""
    return identity(SOURCE, event_id)


def event(event_id: str, type_: str, seconds: float, *causes: str, **more: Any) -> EventRow:
    """An event of flow `f` unless told otherwise."""
    fields: dict[str, Any] = {"flow_id": "f", "body_hash": b"b", "published_at": at(seconds)} | more
    return EventRow(
        identity=ident(event_id),
        source=SOURCE,
        event_id=event_id,
        type=type_,
        causes=causes,
        **fields,
    )


def receipt(
    event_id: str, consumer: str, outcome: str, seconds: float, took: float = 0.1, **more: Any
) -> ReceiptRow:
    """A receipt; `took` in seconds, `published` as event IDs."""
    fields: dict[str, Any] = {"attempt": 1, "origin": "receipt", "flow_id": "f"} | more
    fields["published"] = tuple(ident(name) for name in fields.get("published", ()))
    parts = (event_id, consumer, outcome, str(seconds), str(fields["attempt"]), fields["origin"])
    return ReceiptRow(
        receipt_identity=identity("receipt", " ".join(parts)),
        identity=ident(event_id),
        consumer=consumer,
        outcome=outcome,
        started_at=at(seconds),
        seen_at=at(seconds + took),
        duration_ms=took * 1000,
        **fields,
    )


def appearance(
    event_id: str,
    position: str,
    body: bytes = b"b",
    attempt: str = "",
    *,
    seconds: float = 0,
    broker: str = "shop",
) -> AppearanceRow:
    """One place where an event was seen."""
    return AppearanceRow(
        identity=ident(event_id),
        broker=broker,
        stream="orders.0",
        position=position,
        broker_time=at(seconds),
        body_hash=body,
        replay_attempt=attempt,
    )


def shop() -> tuple[list[EventRow], list[ReceiptRow], list[AppearanceRow]]:
    """An order that is shipped: payment needs three tries, fulfilment waits for two causes."""
    events = [
        event("placed", "OrderPlaced", 0),
        event("reserved", "StockReserved", 1.2, "placed"),
        event("captured", "PaymentCaptured", 4.1, "placed"),
        event("shipped", "OrderShipped", 5.0, "captured", "reserved"),
        event("mailed", "ConfirmationSent", 1.0, "placed"),
    ]
    receipts = [
        receipt("placed", "inventory", "succeeded", 0.5, 0.6, published=("reserved",)),
        receipt("placed", "payment", "retrying", 0.6, retry_in_ms=1000),
        receipt("placed", "payment", "retrying", 1.7, attempt=2, retry_in_ms=2000),
        receipt("placed", "payment", "succeeded", 3.9, attempt=3, published=("captured",)),
        receipt("placed", "notification", "succeeded", 0.4, 0.5, published=("mailed",)),
        receipt("reserved", "fulfilment", "succeeded", 1.5),
        receipt("captured", "fulfilment", "succeeded", 4.5, 0.4, published=("shipped",)),
        receipt("placed", "analytics", "started", 2.0),
    ]
    appearances = [appearance(name, f"{n}-0") for n, name in enumerate(("placed", "reserved"))]
    return events, receipts, appearances
