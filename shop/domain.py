"""What an order is and what becomes of it. Pure: no input, no output, no clock."""

import hashlib
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, NamedTuple

import msgspec

DEFAULT_CURRENCY = "EUR"
DECLINED = 0.03  # share of orders whose card the provider refuses
MISSING = 0.02  # share of orders with an item that is not on the shelf

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Amount = Annotated[str, msgspec.Meta(pattern=r"^\d{1,7}\.\d{2}$")]  # "89.90"
Currency = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}$")]  # ISO 4217
Quantity = Annotated[int, msgspec.Meta(ge=1, le=99)]


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of an order."""

    sku: Text
    name: Text
    quantity: Quantity
    unit_price: Amount


class Customer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who ordered."""

    id: Text
    name: Text
    email: Annotated[str, msgspec.Meta(pattern=r"^[^@\s]+@[^@\s]+$", max_length=200)]


class Address(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the parcel goes."""

    street: Text
    postcode: Text
    city: Text
    country: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$")]  # ISO 3166


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An order as a client sends it; the currency came with app 4, older apps leave it out."""

    client: Text
    items: Annotated[list[Item], msgspec.Meta(min_length=1, max_length=50)]
    total: Amount
    currency: Currency | msgspec.UnsetType = msgspec.UNSET
    customer: Customer
    address: Address
    card_token: Text


class Fault(NamedTuple):
    """One thing wrong with an order: `path` is a JSON pointer into what was sent."""

    path: str
    reason: str


class Fate(NamedTuple):
    """What the world outside has in store for one order."""

    card_accepted: bool
    in_stock: bool


def goods_total(items: Sequence[Item]) -> Decimal:
    """The price of all lines together."""
    return sum((Decimal(i.unit_price) * i.quantity for i in items), Decimal("0.00"))


def faults(order: Order) -> list[Fault]:
    """What is wrong with a well-formed order; empty if it can be taken."""
    found: list[Fault] = []
    expected = goods_total(order.items)
    if Decimal(order.total) != expected:
        found.append(Fault("/total", f"is {order.total}, but the items cost {expected}"))
    seen: set[str] = set()
    for position, item in enumerate(order.items):
        if item.sku in seen:
            found.append(Fault(f"/items/{position}/sku", f"{item.sku} stands here twice"))
        seen.add(item.sku)
    return found


def lane(order_id: str) -> str:
    """The partition key of everything about one order."""
    return f"order:{order_id}"


def fate(seed: int, order_id: str) -> Fate:
    """The same for the same seed and order, whoever asks and however often."""
    return Fate(
        card_accepted=draw(seed, "card", order_id) >= DECLINED,
        in_stock=draw(seed, "stock", order_id) >= MISSING,
    )


def draw(seed: int, what: str, who: str) -> float:
    """An even number in [0, 1) that depends on nothing but the arguments."""
    digest = hashlib.blake2b(f"{seed}\0{what}\0{who}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def takes(seed: int, consumer: str, order_id: str, low: float, high: float) -> float:
    """Seconds a consumer works on an order: mostly near `low`, now and then near `high`."""
    return low + (high - low) * draw(seed, consumer, order_id) ** 2
