"""Rows and bytes of each table, estimated: nothing here reads a whole table.

PostgreSQL knows both. On SQLite rows are sampled: how densely row IDs are taken, and how long rows
are; what they add up to is shared out over the bytes that are known to be used.
"""

from collections.abc import Iterator
from typing import NamedTuple

from django.apps import apps
from django.db import connection
from django.db.models import Model

from tracing.models import EventWords
from tracing.retention.room import relations

WINDOWS = 12  # places of a table that are looked at
WINDOW = 100  # row IDs at each
NUMBERS = ("AutoField", "BigAutoField", "BigIntegerField")  # kinds of keys
EXACT = 2_000  # row IDs that are counted one by one
PAGE = 4_096  # that a table or an index takes at least
ROW_BYTES = 12  # of a row beside its values
ENTRY_BYTES = 10  # of an index entry beside its values


class Size(NamedTuple):
    """Of one table with its indexes."""

    rows: int
    bytes: int


def measure(used: int) -> dict[str, Size]:
    """Every table of ours; `used` bytes in all."""
    if connection.vendor == "postgresql":
        known = relations()
        return {name: Size(*known[name]) for name in _names() if name in known}
    found = {model._meta.db_table: _sampled(model) for model in _models()}
    total = sum(size.bytes for size in found.values())
    scale = used / total if total else 0
    return {name: Size(size.rows, round(size.bytes * scale)) for name, size in found.items()}


def _models() -> Iterator[type[Model]]:
    for model in apps.get_models():
        if model._meta.managed and _key(model) is not None:
            yield model


def _names() -> list[str]:
    return sorted(model._meta.db_table for model in _models())


def _key(model: type[Model]) -> str | None:
    """The column that numbers the rows, if there is one."""
    key = model._meta.pk
    numbers = key is not None and key.get_internal_type() in NUMBERS
    return key.get_attname() if key is not None and numbers else None


def _sampled(model: type[Model]) -> Size:
    """Rows and bytes of a table of SQLite, from a few places."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        key = _key(model)
        cursor.execute(f"SELECT min({key}), max({key}) FROM {table}")  # noqa: S608
        first, last = cursor.fetchone()
        if first is None:
            return Size(0, PAGE * (1 + len(list(_indexes(model)))))
        span = last - first + 1
        places = [(first, last)]
        if span > EXACT:
            gap = (span - WINDOW) / (WINDOWS - 1)
            starts = [first + round(gap * number) for number in range(WINDOWS)]
            places = [(start, start + WINDOW - 1) for start in starts]
        rows = length = 0
        for start, end in places:
            cursor.execute(_lengths(model), [start, end])
            count, size = cursor.fetchone()
            rows, length = rows + count, length + (size or 0)
    seen = sum(end - start + 1 for start, end in places)
    trees = PAGE * (1 + len(list(_indexes(model))))
    return Size(round(rows * span / seen), trees + round(length * span / seen))


def _lengths(model: type[Model]) -> str:
    """How many rows, and how many bytes they and their index entries are."""
    names = [field.get_attname() for field in model._meta.concrete_fields]
    indexed = [name for index in _indexes(model) for name in index]
    length = " + ".join(f"coalesce(length({name}), 0)" for name in [*names, *indexed])
    fixed = ROW_BYTES + ENTRY_BYTES * sum(1 for _ in _indexes(model))
    return (
        f"SELECT count(*), sum({length} + {fixed}) FROM {model._meta.db_table}"  # noqa: S608
        f" WHERE {_key(model)} BETWEEN %s AND %s"
    )


def _indexes(model: type[Model]) -> Iterator[list[str]]:
    """The columns of each index."""
    attname = {field.name: field.get_attname() for field in model._meta.concrete_fields}
    for field in model._meta.concrete_fields:
        if getattr(field, "db_index", False) or field.unique:
            yield [field.get_attname()]
    if model is EventWords:  # the full-text index is no table of ours
        yield ["words"]
    for index in (*model._meta.indexes, *model._meta.constraints):
        yield [attname[name.lstrip("-")] for name in getattr(index, "fields", ())]
