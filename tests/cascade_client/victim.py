"""A consumer process for tests to kill: `victim.py URL PROCESS [STEP]`.

It notes each handling in the list `handled`; with a STEP it stops there once, for good:
`handling` before the handler ends, `commit` between the handler and the commit.
"""

import sys
import threading
import time
from typing import Any

from redis import Redis

from cascade_client import Consumer, Envelope, RedisTransport, Retry, Work
from cascade_client.transport import Lease, Outcome


class Stuck(RedisTransport):
    """A transport that never gets to its first commit."""

    def commit(self, lease: Lease, outcome: Outcome) -> str:
        """Say that it got here, and go no further."""
        self._redis.rpush("reached", "commit")
        time.sleep(3600)
        raise AssertionError


def main(url: str, process: str, step: str = "") -> None:
    """Consume until killed."""
    redis: Any = Redis.from_url(url)

    def handle(event: Envelope, work: Work) -> None:
        redis.rpush("handled", f"{process} {event.data} {work.attempt}")
        doc = work.read("sum") or {"sum": 0}
        work.write("sum", {"sum": doc["sum"] + event.data})
        work.publish("payments", "PaymentTaken", event.data)
        if step == "handling":
            redis.rpush("reached", "handling")
            time.sleep(3600)

    kind = Stuck if step == "commit" else RedisTransport
    Consumer(
        kind(Redis.from_url(url), default_partitions=1),
        "payment",
        source="/shop/payment",
        topics=["orders"],
        handlers={"OrderPlaced": handle},
        retry=Retry(base_s=0.01),
        process=process,
        lease_s=1.0,
    ).run(threading.Event())


if __name__ == "__main__":
    main(*sys.argv[1:])
