"""One cascade in which everything is odd: every kind of anomaly, and inferred causes."""

from typing import Any

from msgspec.structs import replace

from tests.tracing.making import appearance, event, receipt
from tracing.rows import AppearanceRow, EventRow, ReceiptRow

LANE = {"partition_key": "order-4711", "topic": "orders", "broker": "shop"}
TERMINAL = ("OrderShipped",)
Rows = tuple[list[EventRow], list[ReceiptRow], list[AppearanceRow]]


def nasty() -> Rows:
    """Its rows; the flow ends with OrderShipped, and only its first rows were read."""
    events = [
        event("placed", "OrderPlaced", 0, sequence="1", **LANE),
        event("reserved", "StockReserved", 1.2, "placed", **LANE),
        event("priced", "OrderPriced", 1.5, "placed", sequence="4", **LANE),
        event("changed", "OrderChanged", 2.4, "placed", sequence="3", **LANE),
        event("captured", "PaymentCaptured", 4.1, "placed", **LANE),
        event("shipped", "OrderShipped", 6.0, "captured", "reserved", "weighed"),
        replace(event("mailed", "ConfirmationSent", 1.3), source="/shop/notification"),
        event("stray", "ParcelScanned", 7, "manifest"),
        event("loop-a", "PriceAsked", 7.5, "loop-b"),
        event("loop-b", "PriceGiven", 7.6, "loop-a"),
        event("selfish", "CacheFilled", 8, "selfish"),
        event("twin", "InvoiceDrafted", 8.2, "placed"),
        replace(event("twin2", "InvoiceDrafted", 8.3, "placed"), event_id="twin", source="/erp"),
        event("invoiced", "InvoiceSent", 8.6, "twin"),
        event("refunded", "RefundOffered", 95, "placed"),
        event("asked", "SurveyAsked", 9.5),
        event("answered", "SurveyAnswered", 8.4, "asked"),
    ]
    return events, _receipts(), _places()


def _receipts() -> list[ReceiptRow]:
    copy: dict[str, Any] = {"stream": "orders.0", "position": "1-0"}
    dead: dict[str, Any] = {
        "error_type": "KeyError",
        "error_message": "currency",
        "process": "payment-7f9c",
    }
    return [
        receipt("placed", "inventory", "started", 0.5, attempt=1, process="inventory-1", **copy),
        receipt("placed", "inventory", "succeeded", 0.9, attempt=2, process="inventory-2", **copy),
        receipt("placed", "notification", "succeeded", -0.04, 1.5, process="notification-1"),
        receipt("placed", "payment", "retrying", 0.6, 0.2, retry_in_ms=1000, **dead),
        receipt("placed", "payment", "dead_lettered", 1.9, 0.2, attempt=2, **dead),
        receipt("placed", "payment", "dead_lettered", 2.2, origin="letter", letter_id=7),
        receipt("placed", "payment", "replayed", 3, origin="letter", replay_attempt="r"),
        receipt(
            "placed", "payment", "succeeded", 3.4, 0.6, replay_attempt="r", published=("captured",)
        ),
        receipt("reserved", "fulfilment", "succeeded", 3.2),
        receipt("priced", "fulfilment", "succeeded", 1.7),
        receipt("captured", "fulfilment", "succeeded", 4.6, 0.4),
        receipt("captured", "fulfilment", "succeeded", 5.2, 0.7, attempt=2, published=("shipped",)),
        receipt("shipped", "analytics", "succeeded", 6.2, published=("counted",)),
        receipt("changed", "audit", "succeeded", 2.8, origin="inferred"),
        receipt("invoiced", "archive", "dead_lettered", 9, error_type="Timeout"),
    ]  # fmt: skip


def _places() -> list[AppearanceRow]:
    return [
        appearance("placed", "1-0"),
        appearance("placed", "9-0", b"edited", "r", seconds=3),
        appearance("reserved", "2-0", seconds=1.2),
        appearance("reserved", "3-0", seconds=1.4),
        appearance("mailed", "4-0", seconds=1.3),
        appearance("mailed", "8-0", b"other", seconds=45),
    ]
