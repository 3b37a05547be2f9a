"""Many rows in one statement, on SQLite and PostgreSQL. Only tracing's writers import this.

Rows are tuples in the order of the table's columns, in the database's own types, and sorted by
key by the caller: two writers then never wait for each other in a circle.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
from django.db import IntegrityError, connection, transaction

Row = tuple[Any, ...]
Moment = datetime | str | None  # a time as the database takes it
IGNORE = "ON CONFLICT DO NOTHING"
AT_ONCE = 500  # rows or values in one statement
# One text for all identities: the driver quotes an array of bytes one by one.
AMONG = "= ANY(ARRAY(SELECT decode(one, 'hex') FROM unnest(string_to_array(%s, ',')) AS one))"


@dataclass(frozen=True, slots=True)
class Table:
    """A table, and those of its columns that a writer fills."""

    name: str
    columns: tuple[str, ...]
    types: tuple[str, ...] = ()  # PostgreSQL's, where rows can go as one JSON text: no bytes

    def insert(self, source: str) -> str:
        """`INSERT INTO` this table, all its columns, from `source`."""
        return f"INSERT INTO {self.name} ({', '.join(self.columns)}) {source}"

    def select(self, wanted: str, where: str = "") -> str:
        """`SELECT` these columns `FROM` this table."""
        return " ".join(("SELECT", wanted, "FROM", self.name, where))


@cache
def on_sqlite() -> bool:
    """Which of the two databases; asked for each value, so the answer is kept."""
    return connection.vendor == "sqlite"


def moment(value: datetime | None) -> Moment:
    """A time as the database takes it: SQLite's is text in UTC, as Django writes it."""
    if value is None or not on_sqlite():
        return value
    if value.tzinfo is not UTC:
        value = value.astimezone(UTC)
    return value.isoformat(" ")[: -len("+00:00")]


def read_moment(value: Any) -> Moment:
    """A time as a bare SELECT gave it (SQLite's is naive, in UTC), in the form of `moment`."""
    if isinstance(value, datetime) and value.tzinfo is None:
        value = value.replace(tzinfo=UTC)
    return moment(value) if isinstance(value, datetime) else value


def add(table: Table, rows: Sequence[Row]) -> None:
    """Rows that are new as far as is known; one that is there after all stays as it is."""
    if not rows:
        return
    if on_sqlite():
        _execute_many(table, rows, IGNORE)
        return
    try:
        with transaction.atomic():
            _copy(table.name, table.columns, rows)
    except IntegrityError:  # another writer was quicker with one of them
        write(table, rows, IGNORE)


def add_new(table: Table, rows: Sequence[Row], wanted: str) -> list[Row]:
    """Add those rows whose first column is not there yet; of the others, the `wanted` columns
    of what is there. The table has an `id` that grows.
    """
    if not rows:
        return []
    key = table.columns[0]
    known = table.select(wanted, f"WHERE {key} {{among}}")
    values = [row[0] for row in rows]
    if on_sqlite():
        return _add_then_ask(table, rows, known, values)
    found = select(known, values)
    there = {bytes(row[0]) for row in found}
    add(table, [row for row in rows if row[0] not in there] if there else rows)
    return found


def _add_then_ask(
    table: Table, rows: Sequence[Row], known: str, values: Sequence[Any]
) -> list[Row]:
    """On SQLite nobody else writes meanwhile, so the count alone says that all were new."""
    with connection.cursor() as cursor:
        cursor.execute(table.select("coalesce(max(id), 0)"))
        (last,) = cursor.fetchone()
    if _execute_many(table, rows, IGNORE) == len(rows):
        return []
    return select(f"{known} AND id <= {last}", values)


def write(table: Table, rows: Sequence[Row], conflict: str) -> None:
    """Rows of which some may be there; `conflict` is the ON CONFLICT clause."""
    if not rows:
        return
    if on_sqlite():
        _execute_many(table, rows, conflict)
        return
    if table.types:
        _write_json(table, rows, conflict)
        return
    marks = f"({', '.join(['%s'] * len(table.columns))})"
    with connection.cursor() as cursor:
        for start in range(0, len(rows), AT_ONCE):
            part = rows[start : start + AT_ONCE]
            values = ", ".join([marks] * len(part))
            cursor.execute(
                table.insert(f"VALUES {values} {conflict}"),
                [value for row in part for value in row],
            )


def _write_json(table: Table, rows: Sequence[Row], conflict: str) -> None:
    """One parameter for all rows: to quote each value alone costs as much as all the rest."""
    values = ", ".join(f"(row->>{n})::{kind}" for n, kind in enumerate(table.types))
    source = f"SELECT {values} FROM json_array_elements(%s::json) AS row {conflict}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(table.insert(source), [msgspec.json.encode(rows).decode()])


def change(sql: str, rows: Iterable[Row]) -> None:
    """One statement for each of a few rows."""
    with connection.cursor() as cursor:
        cursor.executemany(sql, list(rows))


def select(sql: str, values: Sequence[bytes]) -> list[Row]:
    """Rows whose identity is among `values`; `sql` has `{among}` where they stand."""
    rows: list[Row] = []
    with connection.cursor() as cursor:
        for start in range(0, len(values), AT_ONCE):
            part = list(values[start : start + AT_ONCE])
            if on_sqlite():
                marks = ", ".join(["%s"] * len(part))
                cursor.execute(sql.format(among=f"IN ({marks})"), part)
            else:
                cursor.execute(sql.format(among=AMONG), [",".join(map(bytes.hex, part))])
            rows.extend(cursor.fetchall())
    return rows


def _execute_many(table: Table, rows: Sequence[Row], conflict: str) -> int:
    """How many rows were written."""
    marks = ", ".join(["%s"] * len(table.columns))
    with connection.cursor() as cursor:
        cursor.executemany(table.insert(f"VALUES ({marks}) {conflict}"), rows)
        return int(cursor.rowcount)


def _copy(name: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    statement = f"COPY {name} ({', '.join(columns)}) FROM STDIN"
    # Django does not turn the driver's errors into its own for copy
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        for row in rows:
            copy.write_row(row)
