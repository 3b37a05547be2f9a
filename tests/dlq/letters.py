"""Entries of dead-letter queues as a tap reads them."""

from datetime import datetime, timedelta

from brokers.contract import Entry
from kit.clock import rfc3339
from tests.dlq.rows import NOW

STACK = """Traceback (most recent call last):
  File "/srv/shop/payment/capture.py", line 88, in order_amount
    return Money(data["total"], data["currency"])
KeyError: 'currency'
"""


def dead(
    number: int,
    *,
    order: int = 0,
    original: str = "",
    consumer: str = "payment",
    seconds: float = 0.0,
    attempt: str = "",
    quoted: bool = True,
    message: str = "'currency'",
    stack: str = STACK,
) -> Entry:
    """Entry `number` of `orders.<consumer>.dlq`: an order that died `seconds` after NOW."""
    order = order or number
    died_at: datetime = NOW + timedelta(seconds=seconds)
    headers = {
        "ce-specversion": "1.0",
        "ce-id": f"e-{order}",
        "ce-source": "/orders",
        "ce-type": "OrderPlaced",
        "ce-correlationid": f"flow-{order}",
        "ce-partitionkey": f"order-{order}",
        "content-type": "application/json",
        "x-channel": "app",
        "dead-letter-consumer": consumer,
        "dead-letter-attempts": "5",
        "dead-letter-reason": "attempts",
        "dead-letter-time": rfc3339(died_at),
        "dead-letter-process": f"{consumer}-1",
        "dead-letter-release": "1.8.0",
        "dead-letter-error-type": "KeyError",
        "dead-letter-error-message": message,
        "dead-letter-error-stack": stack,
    }
    if quoted:
        headers |= {
            "dead-letter-stream": "orders.0",
            "dead-letter-position": original or f"{order}-0",
        }
    if attempt:
        headers |= {"cascadeattempt": attempt, "cascadetarget": consumer}
    return Entry(
        broker="shop",
        stream=f"orders.{consumer}.dlq",
        topic="orders",
        position=f"{1000 + number}-0",
        time=died_at,
        headers=headers,
        body=b'{"order_id": "%d", "total": "89.90"}' % order,
    )


def poison(number: int, *, quoted: bool = True) -> Entry:
    """What says that it is a CloudEvent, and is none."""
    marks = {
        "ce-type": "LabelPrinted",
        "dead-letter-consumer": "inventory",
        "dead-letter-reason": "malformed",
        "dead-letter-time": rfc3339(NOW),
    }
    if quoted:
        marks |= {"dead-letter-stream": "supplier.1", "dead-letter-position": f"{number}-0"}
    return Entry(
        broker="shop",
        stream="supplier.inventory.dlq",
        topic="supplier",
        position=f"{2000 + number}-0",
        time=NOW,
        headers=marks,
        body=b"<html><body>502 Bad Gateway</body></html>",
    )
