"""The fair engine: several processes write, none starves, none sees a lock error."""

import os
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from django.db import connection

from kit.sqlite.gate import Gate
from kit.writes import writing

pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="the SQLite engine")

WRITER = textwrap.dedent(
    """
    import os, sys, time
    os.environ["CONSOLE_HOME"] = sys.argv[1]
    os.environ["SECRET_KEY"] = "x" * 50
    os.environ["DJANGO_SETTINGS_MODULE"] = "console.settings"
    os.environ.pop("DATABASE_URL", None)
    import django
    django.setup()
    from django.db import connection
    from kit.writes import writing
    rows, until = int(sys.argv[2]), time.monotonic() + 3
    turns = 0
    while time.monotonic() < until:
        with writing(), connection.cursor() as cursor:
            cursor.executemany("INSERT INTO entry (who) VALUES (%s)", [(rows,)] * rows)
        turns += 1
    print(turns)
    """
)


def _writer(home: Path, rows: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(home), str(rows)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )


def test_small_writers_are_not_starved_by_busy_ones(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "console.sqlite3") as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE entry (id INTEGER PRIMARY KEY, who INTEGER)")
    writers = [_writer(tmp_path, rows) for rows in (1000, 1000, 1, 1)]
    answers = [writer.communicate(timeout=120) for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0, 0], answers
    turns = [int(out) for out, _ in answers]
    # In a fair queue everybody has about as many turns; starved writers had one in fifty.
    assert min(turns) * 3 >= max(turns), turns


def test_the_gate_is_freed_when_its_holder_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from kit.sqlite.gate import Gate\n"
        "gate = Gate(Path(sys.argv[1])); gate.enter(); print('in', flush=True); time.sleep(600)"
    )
    gate = tmp_path / "db"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(gate)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "in\n"
    holder.kill()
    holder.communicate()
    mine = Gate(gate)
    mine.enter()
    assert mine.held
    mine.leave()
    assert not mine.held


@pytest.mark.django_db(transaction=True)
def test_a_block_holds_the_gate_and_a_read_does_not() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert not connection._gate.held  # type: ignore[attr-defined]
    with writing():
        assert connection._gate.held  # type: ignore[attr-defined]
    assert not connection._gate.held  # type: ignore[attr-defined]
    with pytest.raises(ZeroDivisionError), writing():
        raise ZeroDivisionError
    assert not connection._gate.held  # type: ignore[attr-defined]


@pytest.mark.django_db(transaction=True)
def test_it_is_wal_with_full_synchronous() -> None:
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert cursor.execute("PRAGMA synchronous").fetchone()[0] == 2
