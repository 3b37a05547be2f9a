"""What becomes of an order, and which orders are taken, as tables."""

from collections import Counter

import msgspec
import pytest

from shop.domain import DECLINED, MISSING, Fate, Order, fate, faults, goods_total, takes
from shop.samples import OLD_APP, sample_order

MANY = 5000


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({}, None),
        ({"total": "0.01"}, "/total"),
        ({"items": "twice"}, "/items/1/sku"),
    ],
)
def test_an_order_that_does_not_add_up_is_named(change: dict[str, str], path: str | None) -> None:
    order = sample_order(1, 1)
    if change.get("items") == "twice":
        items = [order.items[0], order.items[0]]
        order = msgspec.structs.replace(order, items=items, total=str(goods_total(items)))
    else:
        order = msgspec.structs.replace(order, **change)
    assert [fault.path for fault in faults(order)] == ([path] if path else [])


def test_the_same_order_has_the_same_fate_for_a_seed_and_another_for_another() -> None:
    numbers = [str(n) for n in range(1001, 1001 + MANY)]
    once = [fate(7, n) for n in numbers]
    assert once == [fate(7, n) for n in numbers]
    assert once != [fate(8, n) for n in numbers]


@pytest.mark.parametrize(
    ("share", "is_bad"),
    [
        (DECLINED, lambda f: not f.card_accepted),
        (MISSING, lambda f: not f.in_stock),
    ],
)
def test_bad_fates_are_as_rare_as_stated(share: float, is_bad: object) -> None:
    assert callable(is_bad)
    bad = sum(is_bad(fate(3, str(n))) for n in range(MANY))
    assert 0.7 * share < bad / MANY < 1.3 * share


def test_every_combination_of_fates_occurs() -> None:
    seen = Counter(fate(1, str(n)) for n in range(MANY))
    assert set(seen) == {Fate(c, s) for c in (True, False) for s in (True, False)}


def test_only_old_apps_leave_the_currency_out() -> None:
    orders = [sample_order(1, n) for n in range(MANY)]
    without = [order for order in orders if order.currency is msgspec.UNSET]
    assert {order.client[-3] for order in without} == {"3"}
    assert 0.8 * OLD_APP < len(without) / MANY < 1.2 * OLD_APP
    assert "currency" not in msgspec.to_builtins(without[0])


def test_samples_repeat_are_valid_and_survive_the_wire() -> None:
    for n in range(200):
        order = sample_order(9, n)
        assert order == sample_order(9, n)
        assert faults(order) == []
        assert msgspec.json.decode(msgspec.json.encode(order), type=Order) == order


def test_work_takes_between_its_bounds() -> None:
    times = [takes(1, "payment", str(n), 0.02, 0.3) for n in range(500)]
    assert 0.02 <= min(times) < max(times) < 0.3
