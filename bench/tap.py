"""The tap: Redis stream to committed rows, beside the same event rows written by a bare script.

Measured in processes of their own, on a private Redis and a private database of each kind.
"""

import json
import os
import subprocess
import sys
import tempfile
from typing import Any

from tests.support.postgres_server import PostgresServer

CHILD = "import django; django.setup(); from bench.tap_work import main; main()"


def run() -> list[dict[str, Any]]:
    """The rows of the table; raises CalledProcessError when a measurement fails."""
    server = PostgresServer()
    try:
        return [*_measured(None), *_measured(server.database("bench"))]
    finally:
        server.stop()


def _measured(database_url: str | None) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="bench-tap-") as home:
        environment = {
            **os.environ,
            "CONSOLE_HOME": home,
            "SECRET_KEY": "bench-" + "x" * 60,
            "DJANGO_SETTINGS_MODULE": "console.settings",
        }
        for name in ("DATABASE_URL", "BROKER", "CONSOLE_CONFIG"):
            environment.pop(name, None)
        if database_url:
            environment["DATABASE_URL"] = database_url
        child = subprocess.run(
            [sys.executable, "-c", CHILD],
            env=environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    rows: list[dict[str, Any]] = json.loads(child.stdout.splitlines()[-1])
    return rows
