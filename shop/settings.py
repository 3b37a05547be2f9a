"""The shop's environment, parsed strictly: a wrong value stops the start with name and hint."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class SettingsError(Exception):
    """An environment variable of the shop that cannot be used; the text says how to mend it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What every process of the shop is told."""

    redis_url: str
    home: Path  # the provider's ledger lies here
    port: int  # of the order service
    rate: float  # orders a minute
    number: int  # orders in the ledger at which the traffic ends; 0 = endless
    seed: int  # same seed and order number: same outcome


def load(environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from the environment.

    Raises SettingsError naming the variable that is wrong.
    """
    return Settings(
        redis_url=_redis_url(environment),
        home=Path(environment.get("SHOP_HOME", "var/shop")),
        port=int(_number(environment, "SHOP_PORT", "8010", low=1, high=65535)),
        rate=_number(environment, "SHOP_RATE", "40", low=0.1, high=60_000),
        number=int(_number(environment, "SHOP_NUMBER", "0", low=0, high=10_000_000)),
        seed=int(_number(environment, "SHOP_SEED", "1", low=0, high=2**31)),
    )


def _redis_url(environment: Mapping[str, str]) -> str:
    url = environment.get("SHOP_REDIS_URL", "redis://127.0.0.1:6379/0")
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise SettingsError(f"SHOP_REDIS_URL is {url!r}: write redis://host:port/database")
    return url


def _number(
    environment: Mapping[str, str], name: str, default: str, *, low: float, high: float
) -> float:
    text = environment.get(name, default)
    try:
        value = float(text)
    except ValueError:
        raise SettingsError(f"{name} is {text!r}: write a number, for example {default}") from None
    if not low <= value <= high:
        raise SettingsError(f"{name} is {text}: it must lie between {low:g} and {high:g}")
    return value
