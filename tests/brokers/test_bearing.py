"""What a payload bears on: amounts that our columns can hold, and none made up."""

from decimal import Decimal

import pytest

from brokers import bearing
from brokers.config import Value

VALUE = Value(amount="/total", currency="/currency", default_currency="EUR")


@pytest.mark.parametrize(
    ("payload", "known"),
    [
        (b'{"total": "10.005", "currency": "usd"}', (Decimal("10.00"), "USD")),
        (b'{"total": 7}', (Decimal("7.00"), "EUR")),
        (b'{"total": "1", "currency": "\\u0000ab"}', (Decimal("1.00"), "EUR")),
        (b'{"total": "1e30"}', (None, "")),
        (b'{"total": "NaN"}', (None, "")),
        (b'{"total": true}', (None, "")),
        (b"<html>", (None, "")),
    ],
)
def test_amounts(payload: bytes, known: tuple[Decimal | None, str]) -> None:
    assert bearing.amount(bearing.parsed(payload), VALUE) == known
