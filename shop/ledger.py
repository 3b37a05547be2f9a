"""What really happened outside: the card provider, the carrier, the mail service.

Their books are one SQLite file in SHOP_HOME. Each keeps idempotency keys as real ones do: a call
with a key seen before changes nothing, answers as the first time and is counted.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

FILE = "ledger.sqlite3"
CHARGE, REFUND, SHIPMENT, CONFIRMATION, APOLOGY = (
    "charge",
    "refund",
    "shipment",
    "confirmation",
    "apology",
)
DONE, REFUSED = "done", "refused"
BUSY_S = 30.0

SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    number INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL UNIQUE,
    order_id TEXT NOT NULL, cents INTEGER NOT NULL, outcome TEXT NOT NULL,
    calls INTEGER NOT NULL, at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS entries_order ON entries (order_id);
CREATE TABLE IF NOT EXISTS accepted (
    n INTEGER PRIMARY KEY, order_id TEXT NOT NULL UNIQUE, correlation_id TEXT NOT NULL,
    cents INTEGER NOT NULL, at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS book (id INTEGER PRIMARY KEY CHECK (id = 1), name TEXT NOT NULL);
"""


class Entry(NamedTuple):
    """One line of a provider's book: made once, called `calls` times with the same key."""

    number: int
    kind: str
    order_id: str
    cents: int
    outcome: str
    calls: int


class Accepted(NamedTuple):
    """An order that got its 202: the n-th of this ledger."""

    n: int
    order_id: str
    correlation_id: str
    cents: int


class Ledger:
    """The books; safe to use from any number of threads and processes at once."""

    def __init__(self, home: Path) -> None:
        """Make the file in `home` (and `home`) if it is not there."""
        home.mkdir(parents=True, exist_ok=True)
        self._path = home / FILE
        with closing(self._open()) as book:
            book.execute("PRAGMA journal_mode=WAL")
            book.executescript(SCHEMA)
            book.execute("INSERT OR IGNORE INTO book VALUES (1, ?)", (uuid4().hex,))

    def book(self, kind: str, order_id: str, key: str, cents: int, outcome: str = DONE) -> Entry:
        """Do something once for a key; a repeat is counted and answers as the first time."""
        with self._write() as book:
            book.execute(
                "INSERT INTO entries (kind, key, order_id, cents, outcome, calls, at)"
                " VALUES (?, ?, ?, ?, ?, 1, ?) ON CONFLICT (key) DO UPDATE SET calls = calls + 1",
                (kind, key, order_id, cents, outcome, _now()),
            )
            row = book.execute(
                "SELECT number, kind, order_id, cents, outcome, calls FROM entries WHERE key = ?",
                (key,),
            ).fetchone()
        return Entry(*row)

    def accept(self, accepted: Accepted) -> None:
        """Write down that an order got its 202; the same order again changes nothing."""
        with self._write() as book:
            book.execute(
                "INSERT OR IGNORE INTO accepted VALUES (?, ?, ?, ?, ?)", (*accepted, _now())
            )

    def name(self) -> str:
        """A name no other ledger has: the traffic's idempotency keys begin with it."""
        with closing(self._open()) as book:
            return str(book.execute("SELECT name FROM book").fetchone()[0])

    def last_accepted(self) -> int:
        """The `n` of the newest accepted order, 0 if there is none."""
        with closing(self._open()) as book:
            return int(book.execute("SELECT coalesce(max(n), 0) FROM accepted").fetchone()[0])

    def rows(self) -> tuple[list[Accepted], list[Entry]]:
        """All accepted orders and all entries, of one moment."""
        with closing(self._open()) as book:
            book.execute("BEGIN")
            accepted = book.execute(
                "SELECT n, order_id, correlation_id, cents FROM accepted ORDER BY n"
            ).fetchall()
            entries = book.execute(
                "SELECT number, kind, order_id, cents, outcome, calls FROM entries ORDER BY number"
            ).fetchall()
        return [Accepted(*row) for row in accepted], [Entry(*row) for row in entries]

    def _open(self) -> sqlite3.Connection:
        # One connection a call: nothing is shared between threads, and a killed process
        # leaves nothing open.
        return sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None)

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with closing(self._open()) as book:
            book.execute("BEGIN IMMEDIATE")
            try:
                yield book
            except BaseException:
                book.execute("ROLLBACK")
                raise
            book.execute("COMMIT")


def cents(amount: str) -> int:
    """`"89.90"` -> 8990; the books count in the smallest coin."""
    return int(Decimal(amount) * 100)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
