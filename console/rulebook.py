"""By which rules the tap reads, now: the configuration's, and what was saved in Settings."""

import time

from console.mappings import saved
from tracing.envelope import NO_RULES, Rules

EVERY_S = 2.0  # how soon a running tap picks up what was saved


class Rulebook:
    """The rules, read again every few seconds by the thread that may ask the database."""

    def __init__(self) -> None:
        self._rules = NO_RULES
        self._next = 0.0

    def current(self) -> Rules:
        """The rules as they were read last."""
        return self._rules

    def refresh(self) -> None:
        """Read them again when it is time. Raises DatabaseError."""
        if time.monotonic() >= self._next:
            self._rules = saved.rules()
            self._next = time.monotonic() + EVERY_S
