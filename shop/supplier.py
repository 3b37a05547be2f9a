"""The supplier's feed: deliveries, and in the poison incident its gateway's error page instead."""

import logging
import threading
from itertools import cycle

from redis import Redis
from redis.exceptions import RedisError

from cascade_client import Producer
from shop.incidents import POISON, Incidents

TOPIC = "supplier"
EVERY_S = 30.0
LOOK_S = 0.5
PAGE = b"""<!DOCTYPE html>
<html>
<head><title>502 Bad Gateway</title></head>
<body>
<h1>502 Bad Gateway</h1>
<p>supplier-gateway could not reach the upstream feed.</p>
</body>
</html>
"""

log = logging.getLogger(__name__)


def deliver(producer: Producer, sku: str, quantity: int) -> None:
    """The supplier announces a delivery."""
    data = {"sku": sku, "quantity": quantity}
    producer.publish(TOPIC, "DeliveryAnnounced", data, key=f"sku:{sku}")


def poison(redis: Redis, partition: int) -> None:
    """Put the error page where a delivery belongs: no JSON, no event."""
    redis.xadd(
        f"{TOPIC}.{partition}",
        {"content-type": "text/html", "x-feed": "supplier-gateway", "data": PAGE},
    )


def feed(redis: Redis, incidents: Incidents, stop: threading.Event, partitions: int) -> None:
    """While the incident is on: one error page at once, then every 30 s; until `stop`."""
    places = cycle(range(partitions))
    waited = EVERY_S
    while not stop.wait(LOOK_S):
        waited += LOOK_S
        try:
            if not incidents.is_on(POISON):
                waited = EVERY_S
            elif waited >= EVERY_S:
                poison(redis, next(places))
                waited = 0.0
        except RedisError as error:
            log.warning("the feed did not reach the broker: %s", error)
