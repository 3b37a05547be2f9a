"""How fast one sender may go: a rate with a burst, kept as one moment a sender. Pure.

A request is let in while its sender is within the burst, and may overdraw it: a batch larger than
what is left passes, and whoever sent it waits the longer.
"""

import threading
from collections.abc import Hashable

KEPT = 10_000  # senders; beyond, those that owe nothing are forgotten


class Pace:
    """Senders and until when each has used up its rate; times in seconds of one clock."""

    def __init__(self, per_s: float, burst: int) -> None:
        self._per_s = per_s
        self._slack = burst / per_s
        self._used_until: dict[Hashable, float] = {}
        self._lock = threading.Lock()

    def wait(self, sender: Hashable, now: float) -> float:
        """How many seconds this sender must wait; at most zero lets it in."""
        return self._used_until.get(sender, now) - now - self._slack

    def spend(self, sender: Hashable, count: int, now: float) -> None:
        """This sender sent so many."""
        with self._lock:
            if len(self._used_until) >= KEPT:
                used = self._used_until.items()
                self._used_until = {one: until for one, until in used if until > now}
            begin = max(self._used_until.get(sender, now), now)
            self._used_until[sender] = begin + count / self._per_s
