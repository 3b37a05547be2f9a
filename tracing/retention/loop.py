"""The process of retention: a step, a rest, the next step; killed anywhere it harms nothing."""

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from django.db import DatabaseError, OperationalError, connection

from brokers.config import current
from kit import clock
from tracing.retention import room, samples
from tracing.retention.pace import pause
from tracing.retention.walks import SIZE, Step, Walk, step, walks

IDLE_S = 5.0  # between looks when nothing is old
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn did, and how long to rest after it."""

    deleted: int
    rest_s: float
    more: bool


class Sweeper:
    """Takes the walks in turn, so that none waits for another to end."""

    def __init__(self) -> None:
        self._next = 0
        self._newest = 0

    def turn(self) -> Turn:
        """At most one deletion, one step of giving back and one sample."""
        retention, now = current().retention, clock.now()
        samples.take_if_due(now)
        busy, excess = self._busy(), room.excess(retention)
        done = self._step(list(walks(retention, now, over=excess > 0)))
        began = time.monotonic()
        more = room.tidy() or done.more
        held_s = done.held_s + time.monotonic() - began
        pressed = excess > 0 or done.late
        rest_s = pause(held_s, busy=busy, pressed=pressed) if more else IDLE_S
        return Turn(done.deleted, rest_s, more)

    def _step(self, found: list[Walk]) -> Step:
        """One step of the first walk that has something to do, the size's before all others."""
        for walk in self._in_turn(found):
            done = step(walk)
            if done.more or done.deleted:
                return replace(done, more=True)
        return Step(0, more=False)

    def _in_turn(self, found: list[Walk]) -> Iterator[Walk]:
        first = [walk for walk in found if walk.name == SIZE]
        others = found[len(first) :]
        self._next += 1
        at = self._next % len(others) if others else 0
        yield from [*first, *others[at:], *others[:at]]

    def _busy(self) -> bool:
        """Whether events came in since the turn before."""
        newest, before = room.newest_event(), self._newest
        self._newest = newest
        return newest != before


def run(stop: threading.Event) -> None:
    """Take turns until told to stop; the one at hand is finished."""
    sweeper = Sweeper()
    while not stop.is_set():
        try:
            rest_s = sweeper.turn().rest_s
        except OperationalError as error:
            log.warning("retention waits: %s", error)
            connection.close()
            rest_s = IDLE_S
        except DatabaseError:
            log.exception("retention waits: the database refused")
            connection.close()
            rest_s = IDLE_S
        stop.wait(rest_s)


def run_once() -> int:
    """Delete all that is old by now, without rest; how many rows that were."""
    sweeper, deleted = Sweeper(), 0
    while True:
        turn = sweeper.turn()
        deleted += turn.deleted
        if not turn.more:
            return deleted
