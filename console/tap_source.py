"""One broker as the tap sees it: what is read, made ready while another batch is stored.

All that goes to the broker goes from one thread, in order. While there is much to do, the next
entries are read and made ready before those at hand are acknowledged; each acknowledgement still
comes after its commit, and what was read ahead and not acknowledged comes again.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime

from msgspec import structs

from brokers import dialects
from brokers.contract import Broker, Entry, Role
from brokers.redis_wire import time_of
from cascade_client.fields import topic_of
from console.tap_cursors import ByCursor
from console.tap_reading import InGroup, Part, Reading
from tracing import store
from tracing.cursors import Move
from tracing.envelope import Malformed, Rules
from tracing.store import Prepared, Seen

NOT_MINE_S = 2.0  # how long a broker is left alone that another process reads
BACK_OFF_S = (0.5, 30.0)  # first and longest wait after a failure; doubled each time


@dataclass(frozen=True, slots=True)
class Batch:
    """What goes into one transaction."""

    entries: Sequence[Entry]
    letters: Sequence[Entry]  # those of them that lie on a dead-letter queue
    ready: Prepared
    broker: str
    moves: Sequence[Move]  # of our own cursors, where the broker is read by these
    rules: Rules  # by which it was read


class Source:
    """One broker: what was read of it, and how long to leave it alone."""

    def __init__(self, broker: Broker, rules: Callable[[], Rules], process: str) -> None:
        self.broker = broker
        self._rules = rules
        self._reading: Reading = (InGroup if broker.taps else ByCursor)(broker, process)
        self._roles: dict[str, Role] = {}
        self._thread = ThreadPoolExecutor(1, f"tap-{broker.name}")
        self._ahead: Future[list[Batch]] | None = None
        self._failures = 0
        self._not_before = 0.0

    @property
    def reading(self) -> bool:
        """Whether something is being read ahead."""
        return self._ahead is not None

    def read(self, block_ms: int) -> list[Batch]:
        """The next batches: those read ahead, else now. Raises BrokerError.

        None while another process reads this broker, which is then left alone for a while.
        """
        if not self._reading.ready():
            self.forget()
            self._not_before = time.monotonic() + NOT_MINE_S
            return []
        ahead, self._ahead = self._ahead, None
        batches = ahead.result() if ahead else []
        return batches or self._thread.submit(self._batches, block_ms, ahead=False).result()

    def read_ahead(self, batches: Sequence[Batch]) -> None:
        """Begin to read what comes after these, if they were so many that more is likely."""
        if len(batches) > 1:
            self._ahead = self._thread.submit(self._batches, 1, ahead=True)

    def settle(self) -> None:
        """Wait until nothing is being read: then another thread may speak with the broker."""
        if self._ahead:
            wait([self._ahead])

    def acknowledge(self, batches: Sequence[Batch]) -> None:
        """Say that these are committed. Raises BrokerError."""
        entries = [entry for batch in batches for entry in batch.entries]
        if entries:
            self._thread.submit(self._reading.acknowledge, entries).result()

    def forget(self) -> None:
        """Leave what was read ahead: like all that is not acknowledged it comes again."""
        ahead, self._ahead = self._ahead, None
        if ahead:
            ahead.exception()
        self._reading.forget()

    def close(self) -> None:
        """This process reads it no more."""
        self._reading.close()

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

    def _batches(self, block_ms: int, *, ahead: bool) -> list[Batch]:
        return [self._batch(part) for part in self._reading.read(block_ms, ahead=ahead)]

    def _batch(self, part: Part) -> Batch:
        entries = part.entries
        dead = {name for name in {entry.stream for entry in entries} if self._is_dead(name)}
        letters = [entry for entry in entries if entry.stream in dead] if dead else []
        rules = self._rules()
        ready = store.prepare(evidence(entries, letters, rules), keys=rules.keys)
        return Batch(entries, letters, ready, self.broker.name, part.moves, rules)

    def _is_dead(self, stream: str) -> bool:
        if stream not in self._roles:
            self._roles = {stream.name: stream.role for stream in self.broker.streams()}
        return self._roles.get(stream) is Role.DEAD_LETTERS


def evidence(entries: Sequence[Entry], letters: Sequence[Entry], rules: Rules) -> list[Seen]:
    """What tracing is to know: a dead letter is evidence of the event it died from.

    A dead letter that is no envelope is a letter all the same, and none of tracing's matters.
    """
    if not letters:
        return [store.seen(entry, rules) for entry in entries]
    dead = {(entry.stream, entry.position) for entry in letters}
    found = []
    for entry in entries:
        if (entry.stream, entry.position) not in dead:
            found.append(store.seen(entry, rules))
            continue
        original = store.seen(_original(entry), rules)
        if not isinstance(original.message, Malformed):
            found.append(original)
    return found


def _original(entry: Entry) -> Entry:
    """The message a dead letter was: at its own place, without the marks of its death."""
    marks = dialects.read(dict(entry.headers))
    if not (marks.stream and marks.position):
        return structs.replace(entry, headers=marks.headers)
    return structs.replace(
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
