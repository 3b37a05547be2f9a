"""fulfilment: waits for the payment and the stock of an order, then ships or cancels it."""

from collections.abc import Mapping
from typing import Any

from cascade_client import Envelope, Handler, Work
from shop.domain import lane
from shop.incidents import Incidents
from shop.ledger import SHIPMENT
from shop.world import KEPT_S, World

NAME = "fulfilment"
TOPICS = ("payments", "stock")


def release(_incidents: Incidents) -> str:
    """The release that is deployed."""
    return "4.1.0"


def handlers(world: World) -> Mapping[str, Handler]:
    """What fulfilment does, by event type."""
    fulfilment = Fulfilment(world)
    return {
        "PaymentCaptured": fulfilment.payment_known,
        "PaymentDeclined": fulfilment.payment_known,
        "StockReserved": fulfilment.stock_known,
        "StockMissing": fulfilment.stock_known,
    }


class Fulfilment:
    """Payment and stock come from different topics in any order; the later one decides."""

    def __init__(self, world: World) -> None:
        self._world = world

    def payment_known(self, event: Envelope, work: Work) -> None:
        """Captured or declined."""
        self._known("payment", event, work)

    def stock_known(self, event: Envelope, work: Work) -> None:
        """Reserved or missing."""
        self._known("stock", event, work)

    def _known(self, side: str, event: Envelope, work: Work) -> None:
        outcome: dict[str, Any] = event.data
        order_id = outcome["order_id"]
        place = lane(order_id)
        known = work.read(place) or {}
        if side in known:
            return  # decided by the first; a second answer cannot ship or cancel again
        known[side] = {"id": event.id, "type": event.type, "data": outcome}
        work.write(place, known, keep_s=KEPT_S)
        if "payment" in known and "stock" in known:
            self._world.work_on(NAME, order_id)
            self._decide(order_id, known["payment"], known["stock"], work)

    def _decide(
        self, order_id: str, payment: dict[str, Any], stock: dict[str, Any], work: Work
    ) -> None:
        captured = payment["type"] == "PaymentCaptured"
        reserved = stock["type"] == "StockReserved"
        data = {key: payment["data"][key] for key in ("order_id", "total", "currency")}
        data["customer"] = stock["data"]["customer"]
        if captured and reserved:
            type_ = "OrderShipped"
            key = f"ship:{order_id}"
            parcel = self._world.ledger.book(SHIPMENT, order_id, key, cents=0)
            data |= {
                "items": stock["data"]["items"],
                "address": stock["data"]["address"],
                "parcel": f"p_{parcel.number}",
            }
        else:
            type_ = "OrderCancelled"
            data |= {
                "reason": "card declined" if not captured else f"{stock['data']['sku']} is missing",
                "charge": payment["data"]["charge"] if captured else None,
            }
        causes = [payment["id"], stock["id"]]
        work.publish("orders", type_, data, causes=causes, key=lane(order_id))
