"""inventory: sets goods aside for an order, puts them back, takes in the supplier's deliveries."""

from collections.abc import Mapping
from typing import Any

from cascade_client import Envelope, Handler, Work
from shop.domain import draw, fate, lane
from shop.incidents import Incidents
from shop.world import KEPT_S, World

NAME = "inventory"
TOPICS = ("orders", "supplier")


def release(_incidents: Incidents) -> str:
    """The release that is deployed."""
    return "3.2.4"


def handlers(world: World) -> Mapping[str, Handler]:
    """What inventory does, by event type."""
    inventory = Inventory(world)
    return {
        "OrderPlaced": inventory.reserve,
        "OrderCancelled": inventory.put_back,
        "DeliveryAnnounced": inventory.take_in,
    }


class Inventory:
    """The shelves. What fulfilment needs of an order is passed on with the reservation."""

    def __init__(self, world: World) -> None:
        self._world = world

    def reserve(self, event: Envelope, work: Work) -> None:
        """Set the items aside, or say which one is missing."""
        order: dict[str, Any] = event.data
        order_id, items = order["order_id"], order["items"]
        self._world.work_on(NAME, order_id)
        data = {key: order[key] for key in ("order_id", "items", "customer", "address")}
        if fate(self._world.seed, order_id).in_stock:
            work.write(lane(order_id), {"reserved": items}, keep_s=KEPT_S)
            work.publish("stock", "StockReserved", data, key=lane(order_id))
            return
        missing = items[int(draw(self._world.seed, "missing", order_id) * len(items))]
        work.publish("stock", "StockMissing", {**data, "sku": missing["sku"]}, key=lane(order_id))

    def put_back(self, event: Envelope, work: Work) -> None:
        """Free what was set aside for an order that will not be shipped."""
        order_id = event.data["order_id"]
        shelf = lane(order_id)
        reserved = (work.read(shelf) or {}).get("reserved", [])
        if not reserved:
            return
        self._world.work_on(NAME, order_id)
        work.write(shelf, {"reserved": []}, keep_s=KEPT_S)
        data = {"order_id": order_id, "items": reserved}
        work.publish("stock", "StockReleased", data, key=lane(order_id))

    def take_in(self, event: Envelope, work: Work) -> None:
        """Count a delivery of the supplier."""
        delivery: dict[str, Any] = event.data
        shelf = f"sku:{delivery['sku']}"
        delivered = (work.read(shelf) or {}).get("delivered", 0) + delivery["quantity"]
        work.write(shelf, {"delivered": delivered})
        data = {**delivery, "delivered": delivered}
        work.publish("stock", "StockReplenished", data, key=shelf)
