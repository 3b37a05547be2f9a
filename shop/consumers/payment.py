"""payment: charges the card of an order, gives the money back when it is cancelled."""

from collections.abc import Mapping
from typing import Any

from cascade_client import Envelope, Handler, Work
from shop.domain import DEFAULT_CURRENCY, fate, lane
from shop.incidents import PAYMENT_RELEASE, Incidents
from shop.ledger import CHARGE, DONE, REFUND, REFUSED, cents
from shop.world import World

NAME = "payment"
TOPICS = ("orders",)
STRICT, LENIENT = "1.8.0", "1.8.1"


def release(incidents: Incidents) -> str:
    """Release 1.8.0 while its incident is on, then the one that mends it."""
    return STRICT if incidents.is_on(PAYMENT_RELEASE) else LENIENT


def handlers(world: World) -> Mapping[str, Handler]:
    """What payment does, by event type."""
    payment = Payment(world)
    return {"OrderPlaced": payment.capture, "OrderCancelled": payment.refund}


class Payment:
    """The card provider's customer. Its keys are orders, so a second try charges nobody twice."""

    def __init__(self, world: World) -> None:
        self._world = world

    def capture(self, event: Envelope, work: Work) -> None:
        """Charge the card, then say so."""
        order: dict[str, Any] = event.data
        order_id = order["order_id"]
        self._world.work_on(NAME, order_id)
        accepted = fate(self._world.seed, order_id).card_accepted
        charge = self._world.ledger.book(
            CHARGE,
            order_id,
            f"charge:{order_id}",
            cents(order["total"]),
            DONE if accepted else REFUSED,
        )
        type_ = "PaymentCaptured" if charge.outcome == DONE else "PaymentDeclined"
        data = {
            "order_id": order_id,
            "charge": f"ch_{charge.number}",
            **order_amount(order, self._world.release),
        }
        work.publish("payments", type_, data, key=lane(order_id))

    def refund(self, event: Envelope, work: Work) -> None:
        """Give back what was charged for an order that will not be shipped."""
        cancelled: dict[str, Any] = event.data
        if cancelled["charge"] is None:
            return
        order_id = cancelled["order_id"]
        self._world.work_on(NAME, order_id)
        amount = {"total": cancelled["total"], "currency": cancelled["currency"]}
        refund = self._world.ledger.book(
            REFUND, order_id, f"refund:{order_id}", cents(cancelled["total"])
        )
        data = {"order_id": order_id, "refund": f"re_{refund.number}", **amount}
        work.publish("payments", "PaymentRefunded", data, key=lane(order_id))


def order_amount(order: dict[str, Any], release: str) -> dict[str, str]:
    """What an order costs, in which currency."""
    if release == STRICT:
        # 1.8.0: amounts carry their currency
        return {"total": order["total"], "currency": order["currency"]}
    # 1.8.1: apps before 4.0 leave it out, they only ever sold in euros
    return {"total": order["total"], "currency": order.get("currency", DEFAULT_CURRENCY)}
