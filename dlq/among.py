"""Rows of which a column is among many values: one parameter, where `__in` prepares each value."""

import json
from collections.abc import Collection
from typing import TypeVar

from django.db import connection
from django.db.models import Model, QuerySet

M = TypeVar("M", bound=Model)


def among(rows: "QuerySet[M]", column: str, values: Collection[int | str]) -> "QuerySet[M]":
    """The rows whose `column` (of their own table, as in the database) is one of the values.

    All values are of one type: numbers or texts.
    """
    name = connection.ops.quote_name
    place = f"{name(rows.model._meta.db_table)}.{name(column)}"
    # names come from models, values are parameters
    if connection.vendor == "sqlite":
        where = f"{place} IN (SELECT value FROM json_each(%s))"  # noqa: S608
        return rows.extra(where=[where], params=[json.dumps(list(values))])  # noqa: S610
    return rows.extra(where=[f"{place} = ANY(%s)"], params=[list(values)])  # noqa: S610
