"""Ending what a killed run left: by the ids it wrote down, and only if they are still its own."""

import contextlib
import os
import signal
import time
from pathlib import Path

import psutil

MARKS = ("supervisor", "manage.py", "celery", "granian", "redis", "shop")


def sweep(run: Path) -> list[str]:
    """End the processes of a run that was killed; the names of those that were found."""
    # supervisord first, or it would start again what is ended next.
    files = sorted(run.glob("*.pid"), key=lambda path: path.name != "supervisord.pid")
    found = []
    for path in files:
        text = path.read_text(encoding="utf-8").strip()
        if text.isdigit() and _is_ours(int(text)):
            _end(int(text))
            found.append(path.stem)
        path.unlink(missing_ok=True)
    return found


def _is_ours(group: int) -> bool:
    """Whether the process group of that id still runs something of ours (ids are reused)."""
    return any(
        any(mark in word for word in process.info["cmdline"] or () for mark in MARKS)
        for process in psutil.process_iter(["cmdline"])
        if _group_of(process.pid) == group
    )


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def _end(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGTERM)
        for _ in range(50):
            time.sleep(0.1)
            os.killpg(group, 0)
        os.killpg(group, signal.SIGKILL)
