"""What a handler works with besides its event."""

import threading
import time
from dataclasses import dataclass

from redis.exceptions import RedisError

from shop.domain import takes
from shop.incidents import Incidents
from shop.ledger import Ledger

KEPT_S = 30 * 86_400  # what a consumer knows of one order


@dataclass(frozen=True, slots=True)
class World:
    """One consumer process: its release, the providers' books, the switches, its end."""

    seed: int
    release: str
    ledger: Ledger
    incidents: Incidents
    stop: threading.Event

    def work_on(self, consumer: str, order_id: str, low: float = 0.02, high: float = 0.3) -> None:
        """Take the time the work takes, in seconds; the same for the same order and seed."""
        time.sleep(takes(self.seed, consumer, order_id, low, high))

    def work_during(self, incident: str, seconds: float) -> None:
        """Take `seconds`, less if the incident is switched off or the process is to end."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends and not self.stop.wait(0.25):
            try:
                if not self.incidents.is_on(incident):
                    return
            except RedisError:
                return  # the broker is away: whether the work counts is decided at its commit
