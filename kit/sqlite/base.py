"""The engine: WAL, BEGIN IMMEDIATE, and the gate around every transaction and every lone write."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db.backends.sqlite3 import base

from kit.sqlite.gate import Gate

WRITING = ("INSERT", "UPDATE", "DELETE", "REPLACE")
# Deleted rows can give their space back (kit/sqlite/space.py). Only before there is any table:
# said to a database that has it already, it is a write, and would wait for every writer.
NEW = "PRAGMA auto_vacuum=INCREMENTAL"
PRAGMAS = (
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=FULL;"  # a 2xx survives a power cut too, not only kill -9
    "PRAGMA journal_size_limit=67108864;"
    "PRAGMA wal_autocheckpoint=8000;"  # 32 MB: a page written often goes to the file once
    "PRAGMA cache_size=-32000"
)


class DatabaseOperations(base.DatabaseOperations):  # type: ignore[misc, name-defined]
    """Django's; a statement with SQLite's own marks can be told, too."""

    def last_executed_query(self, cursor: Any, sql: str, params: Any) -> str:
        """The statement with its values; as it is, where it has SQLite's own marks."""
        if params and "%" not in sql:
            return sql
        told: str = super().last_executed_query(cursor, sql, params)
        return told


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's wrapper; every outermost atomic block is a write transaction and takes the gate.

    Reads need no block: outside of one they see the last commit and wait for nobody.
    """

    ops_class = DatabaseOperations
    _gate: Gate | None = None
    init_commands: list[str]

    def get_connection_params(self) -> dict[str, Any]:
        """Django's, with our pragmas, IMMEDIATE and a long busy time-out."""
        options = self.settings_dict["OPTIONS"]
        options.setdefault("transaction_mode", "IMMEDIATE")
        options.setdefault("timeout", 30)
        options.setdefault("init_command", PRAGMAS)
        file = None if self.is_in_memory_db() else Path(self.settings_dict["NAME"])
        self._gate = None if file is None else Gate(file)
        params: dict[str, Any] = super().get_connection_params()
        if file is None or not file.exists() or file.stat().st_size == 0:
            self.init_commands.insert(0, NEW)
        return params

    def create_cursor(self, name: str | None = None) -> Any:
        """A cursor whose lone writes (autocommit) pass the gate too."""
        return self.connection.cursor(lambda connection: GatedCursor(connection, self))

    @contextmanager
    def gated(self, query: str) -> Iterator[None]:
        """Hold the gate for one autocommit statement, if it writes."""
        if not query.lstrip().upper().startswith(WRITING):
            yield
            return
        with self.alone():
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the one writer outside of a transaction; inside of one it is already so."""
        if self._gate is None or self._gate.held or self.in_atomic_block:
            yield
            return
        self._gate.enter()
        try:
            yield
        finally:
            self._gate.leave()

    def _start_transaction_under_autocommit(self) -> None:
        if self._gate is not None and not self._gate.held:
            self._gate.enter()
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._leave()
            raise

    def _commit(self) -> Any:
        try:
            return super()._commit()  # type: ignore[misc]
        finally:
            # A failed commit is followed by a rollback, which needs no gate.
            self._leave()

    def _rollback(self) -> Any:
        try:
            return super()._rollback()  # type: ignore[misc]
        finally:
            self._leave()

    def _close(self) -> Any:
        try:
            return super()._close()  # type: ignore[misc]
        finally:
            self._leave()

    def _leave(self) -> None:
        if self._gate is not None:
            self._gate.leave()


class GatedCursor(base.SQLiteCursorWrapper):
    """Django's cursor, passing the gate where a statement is a transaction of its own."""

    def __init__(self, connection: Any, wrapper: DatabaseWrapper) -> None:
        super().__init__(connection)
        self._wrapper = wrapper

    def convert_query(self, query: str, *, param_names: Any = None) -> str:
        """Django's, but that a statement with thousands of SQLite's own marks is not searched."""
        if param_names is None and "%" not in query:
            return query
        converted: str = super().convert_query(query, param_names=param_names)
        return converted

    def execute(self, query: str, params: Any = None) -> Any:
        """One statement."""
        with self._wrapper.gated(query):
            return super().execute(query, params)

    def executemany(self, query: str, param_list: Iterable[Any]) -> Any:
        """One statement for many rows."""
        with self._wrapper.gated(query):
            return super().executemany(query, param_list)
