"""Many rows in one statement, on SQLite and PostgreSQL. Only tracing's writers import this.

Rows are tuples in the order of the table's columns, in the database's own types, and sorted by
key by the caller: two writers then never wait for each other in a circle.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from itertools import chain
from typing import Any

import msgspec
from django.db import IntegrityError, connection, transaction

Row = tuple[Any, ...]
Moment = datetime | str | None  # a time as the database takes it
IGNORE = "ON CONFLICT DO NOTHING"
AT_ONCE = 500  # values in one statement
JSONB = "\x01"  # what a document begins with in binary (PostgreSQL, jsonb_recv)
LENGTHS = (500, 125, 25, 5, 1)  # of one statement, in rows
# One text for all identities: the driver quotes an array of bytes one by one.
AMONG = "= ANY(ARRAY(SELECT decode(one, 'hex') FROM unnest(string_to_array(%s, ',')) AS one))"


@dataclass(frozen=True, slots=True)
class Table:
    """A table, and those of its columns that a writer fills."""

    name: str
    columns: tuple[str, ...]
    types: tuple[str, ...] = ()  # PostgreSQL's; where they are not said, rows go value by value

    def insert(self, source: str) -> str:
        """`INSERT INTO` this table, all its columns, from `source`."""
        return f"INSERT INTO {self.name} ({', '.join(self.columns)}) {source}"

    @property
    def as_json(self) -> bool:
        """Whether its rows can go as one JSON text: it has no bytes."""
        return self.types != () and "bytea" not in self.types

    def select(self, wanted: str, where: str = "") -> str:
        """`SELECT` these columns `FROM` this table."""
        return " ".join(("SELECT", wanted, "FROM", self.name, where))


@cache
def on_sqlite() -> bool:
    """Which of the two databases; asked for each value, so the answer is kept."""
    return connection.vendor == "sqlite"


def moment(value: datetime | None) -> Moment:
    """A time as the database takes it: SQLite's is text in UTC, as Django writes it."""
    return value if value is None or not on_sqlite() else _text(value)


@lru_cache(maxsize=1024)
def _text(value: datetime) -> str:
    """Many rows of a batch have the time of one millisecond, and that of their receipt."""
    if value.tzinfo is not UTC:
        value = value.astimezone(UTC)
    return value.isoformat(" ")[: -len("+00:00")]


def read_moment(value: Any) -> Moment:
    """A time as a bare SELECT gave it (SQLite's is naive, in UTC), in the form of `moment`."""
    if isinstance(value, datetime) and value.tzinfo is None:
        value = value.replace(tzinfo=UTC)
    return moment(value) if isinstance(value, datetime) else value


def add_new(table: Table, rows: Sequence[Row], wanted: str) -> list[Row]:
    """Add those rows whose first column is not there yet; of the others, the `wanted` columns
    of what is there. The table has an `id` that grows.
    """
    if not rows:
        return []
    known = table.select(wanted, f"WHERE {table.columns[0]} {{among}}")
    return (_add_then_ask if on_sqlite() else _ask_then_add)(table, rows, known)


def _add_then_ask(table: Table, rows: Sequence[Row], known: str) -> list[Row]:
    """On SQLite nobody else writes meanwhile, so the count alone says that all were new."""
    with connection.cursor() as cursor:
        cursor.execute(table.select("coalesce(max(id), 0)"))
        (last,) = cursor.fetchone()
    if write(table, rows, IGNORE) == len(rows):
        return []
    return select(f"{known} AND id <= {last}", [row[0] for row in rows])


def _ask_then_add(table: Table, rows: Sequence[Row], known: str) -> list[Row]:
    """On PostgreSQL another writer may be quicker with one of them: then it is asked again."""
    values = [row[0] for row in rows]
    found = select(known, values)
    while True:
        there = {bytes(row[0]) for row in found}
        new = [row for row in rows if row[0] not in there] if there else rows
        try:
            with transaction.atomic():
                _copy(table, new)
            return found
        except IntegrityError:
            found = select(known, values)
            if len(found) <= len(there):  # something else is wrong with them
                raise


def write(table: Table, rows: Sequence[Row], conflict: str) -> int:
    """Rows of which some may be there; `conflict` is the ON CONFLICT clause. How many it wrote."""
    if not rows:
        return 0
    if table.as_json:
        return _write_json(table, rows, conflict)
    written = 0
    with connection.cursor() as cursor:
        for part in _parts(rows):
            cursor.execute(_insert(table, len(part), conflict), list(chain.from_iterable(part)))
            written += cursor.rowcount
    return written


@cache
def _insert(table: Table, rows: int, conflict: str) -> str:
    """The statement for so many rows; SQLite's own marks, since Django replaces each other one."""
    mark = "?" if on_sqlite() else "%s"
    marks = f"({', '.join([mark] * len(table.columns))})"
    return table.insert(f"VALUES {', '.join([marks] * rows)} {conflict}")


def _parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Many in one statement, which runs without Python's lock, beside the thread that reads;
    of few lengths, so that the driver has each of them compiled.
    """
    start = 0
    for length in LENGTHS:
        while len(rows) - start >= length:
            yield rows[start : start + length]
            start += length


def _write_json(table: Table, rows: Sequence[Row], conflict: str) -> int:
    """One parameter for all rows: to bind or quote each value costs as much as all the rest."""
    if on_sqlite():
        values = ", ".join(f"json_extract(value, '$[{n}]')" for n in range(len(table.columns)))
        source = f"SELECT {values} FROM json_each(%s) WHERE true {conflict}"  # noqa: S608
    else:
        values = ", ".join(f"(row->>{n})::{kind}" for n, kind in enumerate(table.types))
        source = f"SELECT {values} FROM json_array_elements(%s::json) AS row {conflict}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(table.insert(source), [msgspec.json.encode(rows).decode()])
        return int(cursor.rowcount)


def change(sql: str, rows: Iterable[Row]) -> None:
    """One statement for each of a few rows."""
    with connection.cursor() as cursor:
        cursor.executemany(sql, list(rows))


def select(sql: str, values: Sequence[bytes]) -> list[Row]:
    """Rows whose identity is among `values`; `sql` has `{among}` where they stand."""
    return [row for cursor in _among(sql, values) for row in cursor.fetchall()]


def run(sql: str, values: Sequence[bytes]) -> None:
    """A statement on rows whose identity is among `values`; `{locked}` where they are locked."""
    for _ in _among(sql, values):
        pass


def _among(sql: str, values: Sequence[bytes]) -> Iterator[Any]:
    """The cursor, after each part of the values."""
    with connection.cursor() as cursor:
        for start in range(0, len(values), AT_ONCE):
            part = list(values[start : start + AT_ONCE])
            if on_sqlite():  # which locks the database as a whole
                marks = ", ".join(["%s"] * len(part))
                cursor.execute(sql.format(among=f"IN ({marks})", locked=""), part)
            else:
                among = [",".join(map(bytes.hex, part))]
                cursor.execute(sql.format(among=AMONG, locked="FOR UPDATE"), among)
            yield cursor


def _copy(table: Table, rows: Sequence[Row]) -> None:
    """In binary, which costs the driver half of what text does."""
    statement = f"COPY {table.name} ({', '.join(table.columns)}) FROM STDIN (FORMAT BINARY)"
    documents = [n for n, kind in enumerate(table.types) if kind == "jsonb"]
    # Django does not turn the driver's errors into its own for copy
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        copy.set_types(["text" if kind == "jsonb" else kind for kind in table.types])
        for row in rows:
            values = list(row)
            for n in documents:
                values[n] = JSONB + values[n]
            copy.write_row(values)
