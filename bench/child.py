"""Measuring in processes of their own, each on a private state directory."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


def measured(module: str, database_url: str | None = None) -> list[dict[str, Any]]:
    """The rows that `module.main()` prints; raises CalledProcessError when it fails."""
    with tempfile.TemporaryDirectory(prefix="bench-") as home:
        child = subprocess.run(
            _command(module),
            env=_environment(home, database_url),
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    rows: list[dict[str, Any]] = json.loads(child.stdout.splitlines()[-1])
    return rows


@contextmanager
def asked(
    module: str, argument: int, database_url: str | None = None
) -> Iterator[Callable[[Any], Any]]:
    """A child that runs `module.main(argument)`: it answers a line of JSON for each that it reads.

    So that two can be asked in turns, whatever else the machine does. Its first line says that
    it is ready. Raises CalledProcessError when it ends before it is told to.
    """
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as home,
        subprocess.Popen(
            _command(module, argument),
            env=_environment(home, database_url),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as child,
    ):
        assert child.stdin is not None and child.stdout is not None
        put, get = child.stdin, child.stdout

        def answer() -> Any:
            line = get.readline()
            if not line:
                raise subprocess.CalledProcessError(child.wait(), module)
            return json.loads(line)

        def ask(question: Any) -> Any:
            put.write(json.dumps(question) + "\n")
            put.flush()
            return answer()

        answer()
        yield ask
        put.close()


def _command(module: str, *arguments: int) -> list[str]:
    given = ", ".join(map(str, arguments))
    code = f"import django; django.setup(); from {module} import main; main({given})"
    return [sys.executable, "-c", code]


def _environment(home: str, database_url: str | None) -> dict[str, str]:
    environment = {
        **os.environ,
        "CONSOLE_HOME": home,
        "SECRET_KEY": "bench-" + "x" * 60,
        "DJANGO_SETTINGS_MODULE": "console.settings",
    }
    for name in ("DATABASE_URL", "BROKER", "CONSOLE_CONFIG"):
        environment.pop(name, None)
    return environment | ({"DATABASE_URL": database_url} if database_url else {})
