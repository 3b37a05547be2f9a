"""A fair gate between processes: two file locks in a row, so that no writer overtakes another.

SQLite lets waiting writers poll, and a busy one wins every time. Here a writer passes the
turnstile, waits for the room there, and only then lets the next one to the turnstile: whoever
has just left the room queues behind. The kernel frees both locks when a process dies.
"""

import fcntl
import os
from pathlib import Path


class Gate:
    """The gate of one connection; not shared between threads, as its connection is not."""

    def __init__(self, database: Path) -> None:
        self._turnstile = database.with_name(database.name + ".turnstile")
        self._room = database.with_name(database.name + ".room")
        self._held: int | None = None

    @property
    def held(self) -> bool:
        """Whether this connection is in the room."""
        return self._held is not None

    def enter(self) -> None:
        """Wait in the queue, then be the one writer."""
        turnstile = _open(self._turnstile)
        try:
            fcntl.flock(turnstile, fcntl.LOCK_EX)
            room = _open(self._room)
            try:
                fcntl.flock(room, fcntl.LOCK_EX)
            except BaseException:
                os.close(room)
                raise
            self._held = room
        finally:
            os.close(turnstile)

    def leave(self) -> None:
        """Let the next one in; harmless when not inside."""
        if self._held is not None:
            os.close(self._held)
            self._held = None


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
