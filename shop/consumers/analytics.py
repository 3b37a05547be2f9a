"""analytics: learns from an order what its customer may like next."""

from collections.abc import Mapping
from typing import Any

from cascade_client import Envelope, Handler, Work
from shop.domain import draw, lane
from shop.incidents import SLOW_ANALYTICS, Incidents
from shop.samples import CATALOGUE
from shop.world import World

NAME = "analytics"
TOPICS = ("orders",)
FAST, SLOW = "5.0.3", "5.1.0"
SLOW_S = 8.0
SUGGESTIONS = 3


def release(incidents: Incidents) -> str:
    """Release 5.1.0 reads the whole history of the customer for every order."""
    return SLOW if incidents.is_on(SLOW_ANALYTICS) else FAST


def handlers(world: World) -> Mapping[str, Handler]:
    """What analytics does, by event type."""
    return {"OrderPlaced": Analytics(world).learn}


class Analytics:
    """Recommendations; nobody waits for them."""

    def __init__(self, world: World) -> None:
        self._world = world

    def learn(self, event: Envelope, work: Work) -> None:
        """Renew the recommendations of the customer who ordered."""
        order: dict[str, Any] = event.data
        order_id = order["order_id"]
        self._world.work_on(NAME, order_id, low=0.05, high=0.4)
        if self._world.release == SLOW:
            self._world.work_during(SLOW_ANALYTICS, SLOW_S)
        bought = {item["sku"] for item in order["items"]}
        others = [sku for sku, _, _ in CATALOGUE if sku not in bought]
        others.sort(key=lambda sku: draw(self._world.seed, sku, order["customer"]["id"]))
        data = {
            "order_id": order_id,
            "customer_id": order["customer"]["id"],
            "skus": others[:SUGGESTIONS],
        }
        work.publish("analytics", "RecommendationsUpdated", data, key=lane(order_id))
