"""How the tap reads one broker: in a consumer group here, from cursors in tap_cursors.py.

`ready` goes from the tap's own thread and may ask the database; the rest from the thread that
speaks with the broker.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from brokers.config import TAP_GROUP
from brokers.contract import Broker, Entry
from tracing import cursors
from tracing.cursors import Move

BATCH = 500  # entries in one transaction: about kit.limits.TRANSACTION_ROWS rows
READ = 4 * BATCH  # entries read and acknowledged together: each of the two is a write to a disk


@dataclass(frozen=True, slots=True)
class Part:
    """Entries for one transaction, and the cursors that move in it."""

    entries: Sequence[Entry]
    moves: Sequence[Move] = ()


class Reading(Protocol):
    """One way to read a broker."""

    def ready(self) -> bool:
        """Whether there is anything for this process to read. May raise a DatabaseError."""

    def read(self, block_ms: int, *, ahead: bool) -> list[Part]:
        """What comes next, in parts; `ahead`: while what came before is being stored."""

    def acknowledge(self, entries: Sequence[Entry]) -> None:
        """These are stored, and their cursors have moved."""

    def forget(self) -> None:
        """What was read and not acknowledged is to come again."""

    def close(self) -> None:
        """This process reads no more."""


class InGroup:
    """As one process of the console's consumer group."""

    def __init__(self, broker: Broker, process: str) -> None:
        self._broker = broker
        self._process = process
        self._watched = False

    def ready(self) -> bool:
        """Always: the group shares out the work. The first time it is written down since when."""
        if not self._watched:
            cursors.hold(self._broker.name, self._process, self._broker.start)
            self._watched = True
        return True

    def read(self, block_ms: int, *, ahead: bool) -> list[Part]:
        """The next entries of the group. Raises BrokerError."""
        entries = self._broker.read(TAP_GROUP, self._process, READ, block_ms, ahead=ahead)
        return [Part(some) for some in batches(entries)]

    def acknowledge(self, entries: Sequence[Entry]) -> None:
        """Tell the broker. Raises BrokerError."""
        self._broker.acknowledge(TAP_GROUP, entries)

    def forget(self) -> None:
        """Nothing to do: the broker knows what was not acknowledged."""

    def close(self) -> None:
        """Nothing to do."""


def batches(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """These entries, as many as go into one transaction."""
    for start in range(0, len(entries), BATCH):
        yield entries[start : start + BATCH]
