"""The three troubles that can be switched on and off while the shop runs."""

import time
from typing import cast

from redis import Redis

HASH = "shop:incidents"
PAYMENT_RELEASE = "payment-release"
SLOW_ANALYTICS = "slow-analytics"
POISON = "poison"
INCIDENTS = {
    PAYMENT_RELEASE: "payment 1.8.0 dies on orders without a currency, after the charge",
    SLOW_ANALYTICS: "analytics takes 8 s an order",
    POISON: "the supplier's feed sends an HTML error page every 30 s",
}
FRESH_S = 0.5  # how long a read of the switches is believed


class UnknownIncidentError(Exception):
    """There is no such incident; the text names those there are."""


class Incidents:
    """The switches, shared by all processes of the shop through Redis."""

    def __init__(self, redis: Redis) -> None:
        """`redis`: a client with decode_responses on."""
        self._redis = redis
        self._known: dict[str, str] = {}
        self._read_at = float("-inf")

    def is_on(self, name: str) -> bool:
        """Whether an incident runs, as of at most half a second ago."""
        if time.monotonic() - self._read_at > FRESH_S:
            self._known = cast("dict[str, str]", self._redis.hgetall(HASH))
            self._read_at = time.monotonic()
        return self._known.get(name) == "on"

    def switch(self, name: str, on: bool) -> None:
        """Begin or end an incident.

        Raises UnknownIncidentError.
        """
        if name not in INCIDENTS:
            known = ", ".join(INCIDENTS)
            raise UnknownIncidentError(f"no incident {name!r}; there are {known}")
        self._redis.hset(HASH, name, "on" if on else "off")
        self._read_at = float("-inf")

    def all(self) -> dict[str, bool]:
        """Every incident and whether it runs."""
        return {name: self.is_on(name) for name in INCIDENTS}
