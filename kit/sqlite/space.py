"""The room a SQLite database takes: what is used, what is free, and how it is given back."""

from pathlib import Path
from typing import NamedTuple, cast

from django.db import connection, connections

from kit.sqlite.base import DatabaseWrapper

WAIT_MS = 100  # for readers, while all writers wait
INCREMENTAL = 2  # of PRAGMA auto_vacuum


class Pages(NamedTuple):
    """A database file, in bytes."""

    file: int
    free: int  # of the file: pages that hold nothing
    log: int  # the write-ahead log beside it


def pages() -> Pages:
    """As of now; asks no table."""
    with connection.cursor() as cursor:
        count, free, size = (
            cursor.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
    return Pages(count * size, free * size, _size(_beside("-wal")))


def can_shrink() -> bool:
    """Whether `give_back` can do anything: not in a database made before it could."""
    with connection.cursor() as cursor:
        return bool(cursor.execute("PRAGMA auto_vacuum").fetchone()[0] == INCREMENTAL)


def give_back(most: int) -> None:
    """Cut at most so many bytes of free pages off the file, in one write transaction."""
    with connection.cursor() as cursor:
        size = cursor.execute("PRAGMA page_size").fetchone()[0]
    steps = f"BEGIN IMMEDIATE; PRAGMA incremental_vacuum({max(1, most // size)}); COMMIT;"
    # executescript takes every step of the pragma, execute only the first
    with _engine().alone():
        _engine().connection.executescript(steps)


def fold_log() -> bool:
    """Fold the log back into the file and start it anew; False when readers are in the way.

    What can be folded beside them is, before any writer has to wait.
    """
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        (before,) = cursor.execute("PRAGMA busy_timeout").fetchone()
        with _engine().alone():
            cursor.execute(f"PRAGMA busy_timeout={WAIT_MS}")
            try:
                busy, _, _ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                cursor.execute(f"PRAGMA busy_timeout={before}")
    return not busy


def compact() -> None:
    """Write the whole file anew, so that from now on it can shrink. All writers wait for it."""
    with _engine().alone(), connection.cursor() as cursor:
        cursor.execute("PRAGMA auto_vacuum=INCREMENTAL")
        cursor.execute("VACUUM")


def _engine() -> DatabaseWrapper:
    connection.ensure_connection()
    return cast(DatabaseWrapper, connections[connection.alias])


def _beside(suffix: str) -> Path:
    return Path(f"{connection.settings_dict['NAME']}{suffix}")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
