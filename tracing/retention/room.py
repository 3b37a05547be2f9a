"""How much room the store takes, and what can be given back."""

import math
from datetime import timedelta
from typing import NamedTuple

from django.db import connection
from django.db.models import Max

from brokers.retention import Retention
from kit import clock
from kit.limits import MIB
from kit.sqlite import space
from tracing.models import Event, StorageSample

RESERVE = 4 * MIB  # of free room that stays, beside a twentieth of the file: it is filled again
STEP = 2 * MIB  # given back at a time
LOG = 64 * MIB  # of SQLite's write-ahead log; it is folded back beyond
DENSITY_OF = timedelta(days=7)  # samples from which the room of one event is taken
FLUSHES = 150_000  # PostgreSQL's version with pg_stat_force_next_flush
FEW = 1_000  # events that are too few to tell
BATCH = 1_000  # events deleted before the room is measured again
TABLES = """
SELECT relname, GREATEST(n_live_tup, 0), pg_total_relation_size(relid)
FROM pg_stat_user_tables WHERE schemaname = current_schema()
"""


class Room(NamedTuple):
    """In bytes. `used` is less than `file` by what deleted rows left; on PostgreSQL estimated."""

    used: int
    file: int
    log: int | None  # SQLite's write-ahead log


def room() -> Room:
    """As of now; costs the number of tables."""
    if connection.vendor == "sqlite":
        pages = space.pages()
        return Room(pages.file - pages.free, pages.file, pages.log)
    tables = relations()
    file = sum(size for _, size in tables.values())
    events, _ = tables.get("tracing_event", (0, 0))
    each = _per_event(file, events)
    return Room(file if each is None else min(file, math.ceil(each * events)), file, None)


def relations() -> dict[str, tuple[int, int]]:
    """PostgreSQL's tables: rows (estimated) and bytes, with indexes and what is kept apart.

    What this process deleted a moment ago is counted, where the server can be asked to (from 15).
    """
    with connection.cursor() as cursor:
        if getattr(connection, "pg_version", 0) >= FLUSHES:
            cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(TABLES)
        return {name: (int(rows), int(size)) for name, rows, size in cursor.fetchall()}


def excess(retention: Retention) -> int:
    """How many events must go before the room is measured again, because the store is too large."""
    most = retention.max_bytes
    if most is None:
        return 0
    now = room()
    if now.used <= most:
        return 0
    if connection.vendor == "sqlite":
        return BATCH
    events, _ = relations().get("tracing_event", (0, 0))
    each = _per_event(now.file, events)
    return 0 if each is None else min(BATCH, math.ceil((now.used - most) / each))


def tidy() -> bool:
    """Give back one step of what is free beyond the reserve, and keep the log short.

    Whether there is more to give back. PostgreSQL does both itself (its autovacuum).
    """
    if connection.vendor != "sqlite":
        return False
    pages = space.pages()
    if pages.log > LOG:
        space.fold_log()
    spare = pages.free - RESERVE - pages.file // 20
    if spare <= 0 or not space.can_shrink():
        return False
    space.give_back(min(STEP, spare))
    return spare > STEP


def newest_event() -> int:
    """The row ID of the newest event; grows with each."""
    return int(Event.objects.aggregate(newest=Max("id"))["newest"] or 0)


def _per_event(file: int, events: int) -> float | None:
    """Bytes of the whole store for one event, when it was fullest. None: not known.

    A table of PostgreSQL does not shrink, its free room is filled again: so the size alone does
    not say how much is used.
    """
    since = clock.now() - DENSITY_OF
    found = StorageSample.objects.filter(at__gte=since).values_list("file_bytes", "tables")
    known = [(size, tables.get("tracing_event", [0])[0]) for size, tables in found]
    dense = [size / rows for size, rows in [*known, (file, events)] if rows >= FEW]
    return min(dense, default=None)
