"""A topic on a real Redis, consumers in threads, and what can be seen of them."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from redis import Redis

from cascade_client import Consumer, Handler, Producer, RedisTransport, Retry

QUICK = Retry(attempts=3, base_s=0.01, max_s=0.05)
STREAM = "orders.0"
QUEUE = "orders.payment.dlq"


class World:
    """One partition of `orders`, handled by `payment`."""

    def __init__(self, url: str) -> None:
        self.redis: Any = Redis.from_url(url)
        self.transport = RedisTransport(Redis.from_url(url), default_partitions=1)
        self.producer = Producer(self.transport, "/shop/orders")

    def consumer(self, handlers: Mapping[str, Handler], **options: Any) -> Consumer:
        """Payment, trying thrice in quick succession."""
        settings = {"retry": QUICK, "process": "p1", "release": "1.8.0", "lease_s": 1.0, **options}
        return Consumer(
            self.transport,
            settings.pop("name", "payment"),
            source="/shop/payment",
            topics=settings.pop("topics", ["orders"]),
            handlers=handlers,
            **settings,
        )

    @contextmanager
    def running(self, handlers: Mapping[str, Handler], **options: Any) -> Iterator[None]:
        """The consumer runs inside the block and has ended gracefully after it."""
        stop = threading.Event()
        thread = threading.Thread(target=self.consumer(handlers, **options).run, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(30)
        assert not thread.is_alive()

    def receipts(self, *outcomes: str) -> list[dict[str, Any]]:
        """What the receipts say, oldest first; of these outcomes, if any are given."""
        found = [json.loads(entry[b"data"]) for _, entry in self.redis.xrange("cascade.receipts")]
        return [data for data in found if not outcomes or data["outcome"] in outcomes]

    def events(self, stream: str) -> list[Any]:
        """The bodies on a stream."""
        return [json.loads(entry[b"data"]) for _, entry in self.redis.xrange(stream)]

    def in_hand(self) -> dict[str, Any]:
        """The oldest pending entry, as XPENDING tells it."""
        found: dict[str, Any] = self.redis.xpending_range(STREAM, "payment", "-", "+", 1)[0]
        return found

    def pending(self, stream: str = STREAM, consumer: str = "payment") -> int:
        """How many entries wait for an acknowledgement."""
        return int(self.redis.xpending(stream, consumer)["pending"])


def until(condition: Callable[[], Any], within_s: float = 30.0) -> Any:
    """The condition's value once it is true; fails when it never is."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("it did not happen")
