"""Room on SQLite: given back in steps, the log folded, an old file written anew."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="the SQLite engine")

START = textwrap.dedent(
    """
    import os, sys, json, sqlite3
    os.environ["CONSOLE_HOME"] = sys.argv[1]
    os.environ["SECRET_KEY"] = "x" * 50
    os.environ["DJANGO_SETTINGS_MODULE"] = "console.settings"
    os.environ.pop("DATABASE_URL", None)
    import django
    django.setup()
    from django.db import connection
    from kit.sqlite import space
    from kit.writes import writing
    path = str(connection.settings_dict["NAME"])
    def fill():
        with writing(), connection.cursor() as cursor:
            cursor.execute("CREATE TABLE IF NOT EXISTS entry (id INTEGER PRIMARY KEY, body BLOB)")
            cursor.executemany("INSERT INTO entry (body) VALUES (%s)", [(b"x" * 3000,)] * 1000)
    def empty():
        with writing(), connection.cursor() as cursor:
            cursor.execute("DELETE FROM entry")
    """
)


def run(home: Path, code: str) -> dict[str, Any]:
    """What `answer` is at the end of this code, in a process and a directory of its own."""
    script = START + textwrap.dedent(code) + "\nprint(json.dumps(answer))"
    done = subprocess.run(
        [sys.executable, "-c", script, str(home)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_a_new_database_gives_back_what_was_deleted_step_by_step(tmp_path: Path) -> None:
    answer = run(
        tmp_path,
        """
        fill(); empty()
        sizes = [space.pages()]
        space.give_back(1_000_000)
        sizes.append(space.pages())
        space.give_back(10**9)
        sizes.append(space.pages())
        folded = space.fold_log()
        answer = {"can": space.can_shrink(), "sizes": sizes, "folded": folded,
                  "file": os.path.getsize(path), "log": space.pages().log}
        """,
    )
    full, less, least = answer["sizes"]
    assert answer["can"]
    assert full[1] > 3_000_000
    assert 900_000 < full[0] - less[0] <= 1_010_000  # one page may say where pages are
    assert (least[0] < 100_000, least[1]) == (True, 0)
    assert (answer["folded"], answer["file"], answer["log"]) == (True, least[0], 0)


def test_to_open_a_database_waits_for_no_writer(tmp_path: Path) -> None:
    answer = run(
        tmp_path,
        """
        fill()
        connection.close()
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        connection.settings_dict["OPTIONS"]["timeout"] = 0
        answer = {"can": space.can_shrink()}
        """,
    )
    assert answer == {"can": True}


def test_a_reader_keeps_the_log_but_nobody_waits_long(tmp_path: Path) -> None:
    answer = run(
        tmp_path,
        """
        fill()
        reader = sqlite3.connect(path, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM entry").fetchone()
        fill()
        kept = space.fold_log()
        reader.execute("COMMIT")
        answer = {"kept": kept, "folded": space.fold_log(), "log": space.pages().log}
        """,
    )
    assert answer == {"kept": False, "folded": True, "log": 0}


def test_an_old_database_can_shrink_once_it_was_written_anew(tmp_path: Path) -> None:
    answer = run(
        tmp_path,
        """
        old = sqlite3.connect(path)
        old.execute("CREATE TABLE t (id INTEGER)")
        old.commit()
        old.close()
        before = space.can_shrink()
        fill(); empty()
        space.compact()
        answer = {"before": before, "after": space.can_shrink(), "file": space.pages().file}
        """,
    )
    assert (answer["before"], answer["after"]) == (False, True)
    assert answer["file"] < 100_000
