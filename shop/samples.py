"""Orders as customers send them: the n-th order of a seed is always the same. Pure."""

import random

import msgspec

from shop.domain import Address, Customer, Item, Order, goods_total

OLD_APP = 0.12  # share of orders from app 3, which sends no currency

CATALOGUE = (
    ("MUG-BLU", "Mug, blue glaze", "12.90"),
    ("MUG-WHT", "Mug, white glaze", "11.90"),
    ("TEA-ASSAM", "Assam, 250 g", "9.50"),
    ("TEA-SENCHA", "Sencha, 100 g", "14.20"),
    ("POT-IRON", "Cast-iron teapot, 0.8 l", "59.00"),
    ("POT-GLASS", "Glass teapot, 1.2 l", "34.50"),
    ("KETTLE-GN", "Gooseneck kettle", "79.00"),
    ("STRAINER", "Fine strainer", "7.80"),
    ("TIN-LARGE", "Tea tin, large", "16.40"),
    ("HONEY-LIN", "Linden honey, 500 g", "8.90"),
)
NAMES = ("Anna Weber", "Jonas Klein", "Mira Novak", "Paul Brandt", "Lea Sommer", "Tariq Aziz")
PLACES = (
    ("Hafenstrasse 12", "20457", "Hamburg", "DE"),
    ("Am Markt 3", "50667", "Köln", "DE"),
    ("Lindengasse 41", "1070", "Wien", "AT"),
    ("Rue des Tanneurs 8", "67000", "Strasbourg", "FR"),
    ("Prinsengracht 210", "1016 HD", "Amsterdam", "NL"),
)
CLIENTS = ("web", "app-ios 4.2", "app-android 4.1")
OLD_CLIENTS = ("app-ios 3.4", "app-android 3.9")


def sample_order(seed: int, n: int) -> Order:
    """The n-th order of a seed."""
    dice = random.Random(f"{seed}/{n}")
    items = _items(dice)
    old = dice.random() < OLD_APP
    return Order(
        client=dice.choice(OLD_CLIENTS if old else CLIENTS),
        items=items,
        total=f"{goods_total(items):.2f}",
        currency=msgspec.UNSET if old else "EUR",
        customer=_customer(dice),
        address=Address(*dice.choice(PLACES)),
        card_token=f"tok_{dice.getrandbits(64):016x}",
    )


def _items(dice: random.Random) -> list[Item]:
    chosen = dice.sample(CATALOGUE, dice.choice((1, 1, 2, 2, 3)))
    return [
        Item(sku=sku, name=name, quantity=dice.choice((1, 1, 1, 2, 3)), unit_price=price)
        for sku, name, price in chosen
    ]


def _customer(dice: random.Random) -> Customer:
    name = dice.choice(NAMES)
    number = dice.randrange(10_000, 99_999)
    email = f"{name.lower().replace(' ', '.')}.{number}@example.org"
    return Customer(id=f"c-{number}", name=name, email=email)
