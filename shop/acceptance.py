"""From a valid order to a confirmed OrderPlaced, once for each idempotency key.

A key first reserves everything that names the order (number, correlation, event ID, time) in one
step inside Redis; then the event is published; then the key is marked. Whoever repeats a key,
even after a crash in between, gets the same order and at most sends the very same event again.
"""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast
from uuid import uuid4

import msgspec
from redis import Redis

from cascade_client import Producer, correlated
from shop.domain import Order, lane

TOPIC = "orders"
KEY_KEPT_S = 24 * 3600

RESERVE = """
if redis.call('EXISTS', KEYS[1]) == 0 then
  if redis.call('EXISTS', KEYS[2]) == 0 then redis.call('SET', KEYS[2], 1000) end
  redis.call('HSET', KEYS[1], 'order_id', redis.call('INCR', KEYS[2]),
    'correlation_id', ARGV[1], 'event_id', ARGV[2], 'digest', ARGV[3], 'placed_at', ARGV[4],
    'published', '0')
  redis.call('EXPIRE', KEYS[1], ARGV[5])
end
return redis.call('HMGET', KEYS[1],
  'order_id', 'correlation_id', 'event_id', 'digest', 'placed_at', 'published')
"""


class KeyReusedError(Exception):
    """An Idempotency-Key came again with another order."""


class Receipt(msgspec.Struct, frozen=True):
    """What a client gets for an order that was taken."""

    order_id: str
    correlation_id: str


class Reservation(NamedTuple):
    """What an idempotency key stands for."""

    order_id: str
    correlation_id: str
    event_id: str
    digest: str
    placed_at: str
    published: str


class Acceptance:
    """Takes orders; safe for any number of threads and processes."""

    def __init__(self, redis: Redis, producer: Producer) -> None:
        """`redis`: a client with decode_responses on."""
        self._redis = redis
        self._producer = producer
        self._reserve = redis.register_script(RESERVE)

    def accept(self, order: Order, key: str = "") -> Receipt:
        """Publish the order and return once the broker has confirmed it.

        Raises KeyReusedError, and RedisError or TransportError when the broker did not confirm.
        """
        place = f"shop:idempotency:{key or uuid4().hex}"
        reserved = self._reservation(place, order)
        if reserved.published == "0":
            self._publish(order, reserved)
            self._redis.hset(place, "published", "1")
        return Receipt(reserved.order_id, reserved.correlation_id)

    def check(self) -> None:
        """Raises RedisError when no order could be taken now."""
        self._redis.ping()

    def _reservation(self, place: str, order: Order) -> Reservation:
        digest = hashlib.blake2b(msgspec.json.encode(order), digest_size=16).hexdigest()
        placed_at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        arguments: list[str | int] = [uuid4().hex, uuid4().hex, digest, placed_at, KEY_KEPT_S]
        found = self._reserve(keys=[place, "shop:orders:number"], args=arguments)
        reserved = Reservation(*cast("list[str]", found))
        if reserved.digest != digest:
            raise KeyReusedError("This Idempotency-Key belongs to another order.")
        return reserved

    def _publish(self, order: Order, reserved: Reservation) -> None:
        data: dict[str, Any] = {
            "order_id": reserved.order_id,
            "placed_at": reserved.placed_at,
            **msgspec.to_builtins(order),
        }
        with correlated(reserved.correlation_id):
            event = self._producer.prepare(
                "OrderPlaced", data, key=lane(reserved.order_id), headers={"x-client": order.client}
            )
        self._producer.send(TOPIC, replace(event, id=reserved.event_id))
