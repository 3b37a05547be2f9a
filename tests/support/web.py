"""The web process alone, on a private state directory: the product's own command, by HTTP."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from console.processes import programs
from tests.support.redis_server import free_port
from tests.support.running import FOREIGN, ROOT

READY_WITHIN_S = 120.0


class RunningWeb:
    """One web server; `kill` ends all its processes at once, `start` starts it again.

    `environment` goes to its processes, for example DATABASE_URL.
    """

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        own = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        self._environment = {
            **own,
            "CONSOLE_HOME": str(home),
            "SECRET_KEY": "tests-only-" + "x" * 40,
            **environment,
        }

    def prepare(self) -> str:
        """Make the tables, a person and a token; the token."""
        home = self.home / "static"
        home.mkdir(parents=True, exist_ok=True)
        for words in (("migrate", "-v", "0"), ("welcome", "--demo")):
            subprocess.run(
                [sys.executable, "manage.py", *words],
                cwd=ROOT,
                env=self._environment,
                check=True,
                stdout=subprocess.DEVNULL,
            )
        return (self.home / "demo" / "token").read_text(encoding="utf-8").strip()

    def start(self) -> None:
        """Start it; return once it answers. Raises AssertionError when it does not."""
        web = next(one for one in programs.console("127.0.0.1", self.port) if one.name == "web")
        with (self.home / "web.log").open("ab") as log:
            self._process = subprocess.Popen(
                web.command, cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )
        ends = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < ends:
            try:
                with urllib.request.urlopen(f"{self.url}/healthz", timeout=5):  # noqa: S310
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError(f"the web server did not answer\n{self.story()}")

    def kill(self) -> None:
        """kill -9 of the server and of its workers."""
        assert self._process is not None
        parent = psutil.Process(self._process.pid)
        for process in (parent, *parent.children(recursive=True)):
            process.kill()
        self._process.wait()

    def stop(self) -> None:
        """A graceful end."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(30)

    def api(self, path: str, token: str) -> Any:
        """The JSON answer of `/api/<path>`."""
        request = urllib.request.Request(  # noqa: S310  # our own address
            f"{self.url}/api/{path}", headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.load(answer)

    def story(self) -> str:
        """The end of what it wrote."""
        return (self.home / "web.log").read_text(errors="replace")[-3000:]

    def __enter__(self) -> "RunningWeb":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        if error is not None:
            print(self.story())  # noqa: T201  # pytest shows it beside the failure
