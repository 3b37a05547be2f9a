"""The tap: entries of the brokers into tracing and dlq; committed first, acknowledged then.

Nothing is skipped. Away from its database or a broker it waits and tries again; of a batch that
the database refuses, each entry is tried alone, and one that is refused alone is kept as
malformed, so that it is not in the way of its neighbours.
"""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import InterfaceError, OperationalError, connection

from brokers import dialects
from brokers.config import TAP_GROUP
from brokers.contract import Broker, BrokerError, Entry, Role
from brokers.redis_wire import time_of
from cascade_client.fields import topic_of
from dlq import intake
from kit.writes import writing
from tracing import store
from tracing.envelope import Malformed
from tracing.store import Seen, Taken

BATCH = 500  # entries in one transaction: about kit.limits.TRANSACTION_ROWS rows
READ = 4 * BATCH  # entries read and acknowledged together: each of the two is a write to a disk
BLOCK_MS = 500  # how long one read waits; divided among the brokers
BACK_OFF_S = (0.5, 30.0)  # first and longest wait after a failure; doubled each time
AWAY = (BrokerError, OperationalError, InterfaceError)
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


class Tap:
    """One process of the console's consumer group on some brokers."""

    def __init__(self, brokers: Sequence[Broker], keys: Mapping[str, str], process: str) -> None:
        self.totals = Totals()
        self._sources = [_Source(broker, process) for broker in brokers]
        self._keys = keys

    def run(self, stop: threading.Event) -> None:
        """Take in until told to stop; the batch at hand is finished."""
        while not stop.is_set():
            if not self._sources:
                stop.wait(BLOCK_MS / 1000)
            self.round(BLOCK_MS // max(1, len(self._sources)))
            stop.wait(min((source.wait_s() for source in self._sources), default=0.0))

    def drain(self) -> None:
        """Take in all there is now. Raises what keeps the tap from it."""
        for source in self._sources:
            while self._step(source, 1):
                pass

    def round(self, block_ms: int) -> None:
        """One batch of each broker that is not being waited for."""
        for source in self._sources:
            if source.wait_s() > 0:
                continue
            try:
                self._step(source, block_ms)
                source.well()
            except AWAY as error:
                seconds = source.failed()
                log.warning("tap of %s waits %.1f s: %s", source.broker.name, seconds, error)
                connection.close()

    def _step(self, source: "_Source", block_ms: int) -> int:
        entries = source.read(block_ms)
        if not entries:
            return 0
        for start in range(0, len(entries), BATCH):
            self._batch(source, entries[start : start + BATCH])
        source.broker.acknowledge(TAP_GROUP, entries)
        self.totals.entries += len(entries)
        return len(entries)

    def _batch(self, source: "_Source", entries: Sequence[Entry]) -> None:
        letters = [entry for entry in entries if source.is_dead_letter(entry)]
        try:
            self._store(_seen(entries, letters), letters)
        except AWAY:
            raise
        except Exception:
            log.exception("a batch of %s is taken in singly", source.broker.name)
            self._singly(entries, letters)

    def _store(self, found: Sequence[Seen], letters: Sequence[Entry]) -> None:
        with writing():
            taken = store.take(found, keys=self._keys)
            deaths = intake.take(letters) if letters else 0
        self.totals.add(taken, deaths)

    def _singly(self, entries: Sequence[Entry], letters: Sequence[Entry]) -> None:
        dead = {(entry.stream, entry.position) for entry in letters}
        for entry in entries:
            own = [entry] if (entry.stream, entry.position) in dead else []
            try:
                self._store(_seen([entry], own), own)
            except AWAY:
                raise
            except Exception as error:
                log.exception("%s %s is kept as malformed", entry.stream, entry.position)
                reason = f"could not be stored ({type(error).__name__}: {error})"
                self._store([store.refused(entry, reason)], [])


class _Source:
    """One broker: the roles of its streams, and how long to leave it alone."""

    def __init__(self, broker: Broker, process: str) -> None:
        self.broker = broker
        self._process = process
        self._roles: dict[str, Role] = {}
        self._failures = 0
        self._not_before = 0.0

    def read(self, block_ms: int) -> list[Entry]:
        """The next batch. Raises BrokerError."""
        return self.broker.read(TAP_GROUP, self._process, READ, block_ms)

    def is_dead_letter(self, entry: Entry) -> bool:
        """Whether the entry lies on a dead-letter queue."""
        if entry.stream not in self._roles:
            self._roles = {stream.name: stream.role for stream in self.broker.streams()}
        return self._roles.get(entry.stream) is Role.DEAD_LETTERS

    def well(self) -> None:
        """It works."""
        self._failures = 0

    def failed(self) -> float:
        """It does not: how many seconds it is left alone."""
        first, longest = BACK_OFF_S
        seconds = min(longest, first * 2.0 ** min(self._failures, 10))
        self._failures += 1
        self._not_before = time.monotonic() + seconds
        return seconds

    def wait_s(self) -> float:
        """How long it is still to be left alone."""
        return max(0.0, self._not_before - time.monotonic())


def _seen(entries: Sequence[Entry], letters: Sequence[Entry]) -> list[Seen]:
    """What tracing is to know: a dead letter is evidence of the event it died from.

    A dead letter that is no envelope is a letter all the same, and none of tracing's matters.
    """
    dead = {(entry.stream, entry.position) for entry in letters}
    found = []
    for entry in entries:
        if (entry.stream, entry.position) not in dead:
            found.append(store.seen(entry))
            continue
        evidence = store.seen(_original(entry))
        if not isinstance(evidence.message, Malformed):
            found.append(evidence)
    return found


def _original(entry: Entry) -> Entry:
    """The message a dead letter was: at its own place, without the marks of its death."""
    marks = dialects.read(dict(entry.headers))
    if not (marks.stream and marks.position):
        return replace(entry, headers=marks.headers)
    return replace(
        entry,
        stream=marks.stream,
        topic=topic_of(marks.stream) or marks.stream,
        position=marks.position[:64],
        time=_time_of(marks.position, entry),
        headers=marks.headers,
    )


def _time_of(position: str, entry: Entry) -> datetime | None:
    """When the original was published, as far as its position tells."""
    if entry.time is None:
        return None
    try:
        return time_of(position, int(entry.time.timestamp() * 1000))
    except ValueError:
        return None
