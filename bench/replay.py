"""Replay: freeze, send and settle, beside a bare pipelined XADD on the same server.

Measured in a process of its own, on a private Redis (fsync always) and a private database.
"""

import json
import os
import subprocess
import sys
import tempfile
from typing import Any

CHILD = "import django; django.setup(); from bench.replay_work import main; main()"


def run() -> list[dict[str, Any]]:
    """The rows of the table; raises CalledProcessError with what the child said."""
    with tempfile.TemporaryDirectory(prefix="bench-replay-") as home:
        environment = {
            **os.environ,
            "CONSOLE_HOME": home,
            "SECRET_KEY": "bench-" + "x" * 60,
            "DJANGO_SETTINGS_MODULE": "console.settings",
        }
        for name in ("DATABASE_URL", "BROKER", "CONSOLE_CONFIG"):
            environment.pop(name, None)
        child = subprocess.run(
            [sys.executable, "-c", CHILD],
            env=environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    rows: list[dict[str, Any]] = json.loads(child.stdout.splitlines()[-1])
    return rows
