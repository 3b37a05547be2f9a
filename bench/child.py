"""Measuring in a process of its own, on a private state directory."""

import json
import os
import subprocess
import sys
import tempfile
from typing import Any


def measured(module: str, database_url: str | None = None) -> list[dict[str, Any]]:
    """The rows that `module.main()` prints; raises CalledProcessError when it fails."""
    code = f"import django; django.setup(); from {module} import main; main()"
    with tempfile.TemporaryDirectory(prefix="bench-") as home:
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
            [sys.executable, "-c", code],
            env=environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    rows: list[dict[str, Any]] = json.loads(child.stdout.splitlines()[-1])
    return rows
