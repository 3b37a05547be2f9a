"""The state directory: its lock, its secrets, and the environment that every process shares."""

import fcntl
import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


class StateDirectory:
    """`var/`, or what CONSOLE_HOME names. All of it is private to the user who started it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run = path / "run"
        self.logs = path / "log"
        self._lock: int | None = None

    def prepare(self) -> None:
        """Make the folders. Raises ImproperlyConfigured when that is not possible."""
        try:
            for folder in (self.path, self.run, self.logs):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise ImproperlyConfigured(
                f"the state directory {self.path} cannot be used ({error.strerror}); "
                "name another with CONSOLE_HOME"
            ) from error

    def lock(self) -> bool:
        """Take the directory for this process; False when another `up` has it."""
        handle = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        self._lock = handle
        return True

    def secret(self, name: str) -> str:
        """A secret of this directory, made at its first use and kept (mode 0600)."""
        path = self.path / f"{name}.secret"
        if not path.exists():
            write_private(path, secrets.token_urlsafe(48))
        return path.read_text(encoding="utf-8").strip()

    def share(self, values: dict[str, str]) -> None:
        """Write what every process, and a second terminal, reads (console/environment.py)."""
        lines = (f"{name}={value}\n" for name, value in sorted(values.items()))
        write_private(self.path / "environment", "".join(lines))


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(path.name + ".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
