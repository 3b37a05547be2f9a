"""notification: writes to the customer."""

from collections.abc import Mapping

from cascade_client import Envelope, Handler, Work
from shop.domain import lane
from shop.incidents import Incidents
from shop.ledger import APOLOGY, CONFIRMATION
from shop.world import World

NAME = "notification"
TOPICS = ("orders",)


def release(_incidents: Incidents) -> str:
    """The release that is deployed."""
    return "2.0.1"


def handlers(world: World) -> Mapping[str, Handler]:
    """What notification does, by event type."""
    notification = Notification(world)
    return {"OrderPlaced": notification.confirm, "OrderCancelled": notification.apologise}


class Notification:
    """The mail service's customer: a mail has a key, so it is sent once."""

    def __init__(self, world: World) -> None:
        self._world = world

    def confirm(self, event: Envelope, work: Work) -> None:
        """The order has arrived."""
        self._mail(event, work, CONFIRMATION, "ConfirmationSent")

    def apologise(self, event: Envelope, work: Work) -> None:
        """The order will not be shipped, we are sorry."""
        self._mail(event, work, APOLOGY, "ApologySent")

    def _mail(self, event: Envelope, work: Work, kind: str, type_: str) -> None:
        order = event.data
        order_id = order["order_id"]
        self._world.work_on(NAME, order_id)
        mail = self._world.ledger.book(kind, order_id, f"{kind}:{order_id}", cents=0)
        data = {
            "order_id": order_id,
            "mail": f"m_{mail.number}",
            "email": order["customer"]["email"],
        }
        work.publish("notifications", type_, data, key=lane(order_id))
