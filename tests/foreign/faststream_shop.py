"""A shop on FastStream and Redis Streams. It knows nothing of any console.

Every message has an ID and names the one it answers, in headers of its own; FastStream keeps the
correlation ID. `python faststream_shop.py serve` runs until it is told to end, `place ORDERS`
publishes so many orders.
"""

import asyncio
import os
import sys
from typing import Any
from uuid import uuid4

from faststream import FastStream
from faststream.redis import RedisBroker, RedisStreamMessage, StreamSub

broker = RedisBroker(os.environ["REDIS_URL"])
app = FastStream(broker)


def reads(stream: str, group: str) -> StreamSub:
    """A consumer group of this shop."""
    return StreamSub(stream, group=group, consumer=f"{group}-1", polling_interval=20)


async def answer(stream: str, body: dict[str, Any], to: RedisStreamMessage) -> None:
    """Publish what follows from a message."""
    await broker.publish(
        body,
        stream=stream,
        correlation_id=to.correlation_id,
        headers={"message_id": uuid4().hex, "causation_id": to.message_id, "type": stream},
    )


@broker.subscriber(stream=reads("orders", "payment"))  # type: ignore[untyped-decorator]
async def pay(order: dict[str, Any], message: RedisStreamMessage) -> None:
    """Charge a card."""
    await answer("payments", {"order_id": order["order_id"], "paid": order["total"]}, message)


@broker.subscriber(stream=reads("orders", "mail"))  # type: ignore[untyped-decorator]
async def confirm(order: dict[str, Any], message: RedisStreamMessage) -> None:
    """Write to the customer."""
    await answer("mails", {"order_id": order["order_id"], "text": "Grüße"}, message)


@broker.subscriber(stream=reads("payments", "shipping"))  # type: ignore[untyped-decorator]
async def ship(payment: dict[str, Any], message: RedisStreamMessage) -> None:
    """Send a parcel."""
    await answer("parcels", {"order_id": payment["order_id"]}, message)


async def place(orders: int) -> None:
    """What a customer does."""
    async with RedisBroker(os.environ["REDIS_URL"]) as shop:
        for number in range(orders):
            await shop.publish(
                {"order_id": 4711 + number, "total": "19.90"},
                stream="orders",
                correlation_id=f"order-{4711 + number}",
                headers={"message_id": uuid4().hex, "type": "orders"},
            )


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        asyncio.run(app.run())
    else:
        asyncio.run(place(int(sys.argv[2])))
