"""The tap: entries of the brokers into tracing and dlq; committed first, acknowledged then.

Nothing is skipped. Away from its database or a broker it waits and tries again; of a batch that
the database refuses, each entry is tried alone, and one that is refused alone is kept as
malformed, so that it is not in the way of its neighbours.
"""

import logging
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import InterfaceError, OperationalError, connection

from brokers.contract import Broker, BrokerError, Entry
from console.rulebook import Rulebook
from console.tap_source import Batch, Source, evidence
from dlq import intake
from kit.writes import writing
from tracing import cursors, store
from tracing.cursors import Overtaken
from tracing.envelope import Rules
from tracing.passed import Follower
from tracing.store import Prepared, Taken

SWITCH_S = 0.0002  # see share_the_lock
FOLLOW_EVERY_S = (5.0, 0.5)  # consumers without receipts: usually, and while much is left to do
BLOCK_MS = 500  # how long one read waits; divided among the brokers
AWAY = (BrokerError, OperationalError, InterfaceError, Overtaken)
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Totals:
    """What one process took in since it started."""

    entries: int = 0
    accepted: int = 0
    duplicates: int = 0
    malformed: int = 0
    dead_letters: int = 0

    def add(self, taken: Taken, dead_letters: int) -> None:
        """Count what was committed."""
        self.accepted += taken.accepted
        self.duplicates += taken.duplicates
        self.malformed += taken.malformed
        self.dead_letters += dead_letters


def share_the_lock() -> None:
    """Let the thread that stores have Python's lock soon, for this whole process.

    The one that reads holds it 5 ms at a time otherwise, and the other, which needs it for moments
    between two statements of the database, waits as long for each.
    """
    sys.setswitchinterval(SWITCH_S)


class Tap:
    """One process that takes in what some brokers have."""

    def __init__(self, brokers: Sequence[Broker], rules: Rulebook, process: str) -> None:
        self.totals = Totals()
        self._rules = rules
        self._sources = [Source(broker, rules.current, process) for broker in brokers]
        self._followers = [Follower(broker, process) for broker in brokers]
        self._next_follow = 0.0

    def run(self, stop: threading.Event) -> None:
        """Take in until told to stop; what was read by then is finished."""
        while not stop.is_set():
            if not self._sources:
                stop.wait(BLOCK_MS / 1000)
            self.round(BLOCK_MS // max(1, len(self._sources)))
            self._follow_when_due()
            stop.wait(min((source.wait_s() for source in self._sources), default=0.0))
        self.round(1, last=True)
        self.close()

    def close(self) -> None:
        """Leave the brokers to another process. Away from the database that takes a while."""
        for source in self._sources:
            try:
                source.close()
            except AWAY as error:
                log.warning("the reading of %s is not given up: %s", source.broker.name, error)

    def drain(self) -> None:
        """Take in all there is now. Raises what keeps the tap from it."""
        for source in self._sources:
            while self._step(source, 1):
                pass
        for follower in self._followers:
            follower.round(timedelta())
            while follower.more:
                follower.round(timedelta())
        self.close()

    def round(self, block_ms: int, *, last: bool = False) -> None:
        """One read of each broker that is not being waited for; `last`: only what is read."""
        for source in self._sources:
            if source.wait_s() > 0 or (last and not source.reading):
                continue
            try:
                self._step(source, block_ms, last=last)
                source.well()
            except AWAY as error:
                seconds = source.failed()
                log.warning("tap of %s waits %.1f s: %s", source.broker.name, seconds, error)
                connection.close()

    def _follow_when_due(self) -> None:
        """Infer deliveries of consumers that send no receipts."""
        if time.monotonic() < self._next_follow:
            return
        for source, follower in zip(self._sources, self._followers, strict=True):
            if source.wait_s() > 0:
                continue
            source.settle()
            try:
                follower.round()
            except AWAY as error:
                log.warning("consumers of %s are not followed: %s", source.broker.name, error)
                connection.close()
        usual, soon = FOLLOW_EVERY_S
        more = any(follower.more for follower in self._followers)
        self._next_follow = time.monotonic() + (soon if more else usual)

    def _step(self, source: Source, block_ms: int, *, last: bool = False) -> int:
        """Store one read while the next is read; how much that was, 0 for nothing at all."""
        self._rules.refresh()
        try:
            batches = source.read(block_ms)
            if not last:
                source.read_ahead(batches)
            for batch in batches:
                self._batch(batch)
            source.acknowledge(batches)
        except BaseException:
            source.forget()
            raise
        count = sum(len(batch.entries) for batch in batches)
        self.totals.entries += count
        return count or len(batches)

    def _batch(self, batch: Batch) -> None:
        try:
            self._store(batch.ready, batch.letters, batch.rules, batch)
        except AWAY:
            raise
        except Exception:
            log.exception("a batch of %s is taken in singly", batch.broker)
            self._singly(batch)

    def _store(
        self,
        ready: Prepared,
        letters: Sequence[Entry],
        rules: Rules,
        moving: Batch | None = None,
    ) -> None:
        """Rows, letters and the cursors of the batch that this completes, in one transaction."""
        with writing():
            taken = store.put(ready)
            deaths = intake.take(letters, rules) if letters else 0
            if moving and moving.moves:
                cursors.move(moving.broker, moving.moves)
        self.totals.add(taken, deaths)

    def _singly(self, batch: Batch) -> None:
        dead = {(entry.stream, entry.position) for entry in batch.letters}
        for entry in batch.entries:
            own = [entry] if (entry.stream, entry.position) in dead else []
            try:
                found = evidence([entry], own, batch.rules)
                self._store(store.prepare(found, keys=batch.rules.keys), own, batch.rules)
            except AWAY:
                raise
            except Exception as error:
                log.exception("%s %s is kept as malformed", entry.stream, entry.position)
                reason = f"could not be stored ({type(error).__name__}: {error})"
                bad = store.prepare([store.refused(entry, reason)], keys={})
                self._store(bad, [], batch.rules)
        self._store(store.prepare([], keys={}), [], batch.rules, batch)
