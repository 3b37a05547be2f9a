"""What a payload bears on: its business key and its amount, by the configured JSON pointers."""

import json
import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

import jsonpointer

from brokers import pointers
from brokers.config import Keys, Value, pointer_of

LARGEST = Decimal(10) ** 15  # beyond it is no amount of money, and no column of ours
LABEL_MAX = 255


def parsed(payload: bytes | None) -> Any:
    """The payload as JSON with exact decimals, or None when it is none."""
    try:
        return json.loads(payload, parse_float=Decimal) if payload else None
    except (ValueError, RecursionError):
        return None


def label(data: Any, keys: Keys, said: Iterable[tuple[str, str]] = ()) -> str:
    """The first key said or found, `order:4711`, or ""; what is kept hashed is no label."""
    for kind, text in said:
        if not (kind in keys and pointer_of(keys[kind])[1]):
            return f"{kind}:{text}".replace("\0", "")[:LABEL_MAX]
    for kind, key in keys.items():
        pointer, hashed = pointer_of(key)
        text = "" if hashed else next(pointers.texts(data, pointer), "")
        if text:
            return f"{kind}:{text}".replace("\0", "")[:LABEL_MAX]
    return ""


def amount(data: Any, value: Value) -> tuple[Decimal | None, str]:
    """The amount, to the cent, and its currency; (None, "") when the payload bears none."""
    number = _number(at(data, value.amount))
    if number is None:
        return None, ""
    currency = at(data, value.currency)
    if isinstance(currency, str) and re.fullmatch("[A-Za-z]{3}", currency):
        return number, currency.upper()
    return number, value.default_currency or ""


def at(data: Any, pointer: str | None) -> Any:
    """What a JSON pointer points to, or None."""
    if not pointer:
        return None
    try:
        return jsonpointer.resolve_pointer(data, pointer, None)
    except jsonpointer.JsonPointerException:
        return None


def _number(found: Any) -> Decimal | None:
    if isinstance(found, bool) or not isinstance(found, str | int | Decimal):
        return None
    try:
        number = Decimal(found)
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number) >= LARGEST:
        return None
    return number.quantize(Decimal("0.01"))
