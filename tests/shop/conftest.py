"""A shop for a test; its processes end with the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shop.running import Shop


@pytest.fixture
def shop(redis_url: str, tmp_path: Path) -> Iterator[Shop]:
    """Nothing started yet; 600 orders a minute, seed 1."""
    shop = Shop(redis_url, tmp_path, SHOP_RATE="600", SHOP_SEED="1")
    yield shop
    shop.end_all()


@pytest.fixture
def flow_shop(redis_url: str, tmp_path: Path) -> Iterator[Shop]:
    """Nothing started yet; 1,200 orders a minute, the seed of the flow tests."""
    shop = Shop(redis_url, tmp_path, SHOP_RATE="1200", SHOP_SEED="97")
    yield shop
    shop.end_all()
