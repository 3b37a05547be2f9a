"""The real product as processes, for tests: `manage.py up --demo` on a private state directory.

Tests speak to it as people and machines do: HTTP, the command line, signals.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlencode

import psutil

from tests.support.redis_server import free_port

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN_S = 180.0  # a machine may be busy; what is promised of the start is tested apart
PATIENCE_S = 240.0
STOPPED_WITHIN_S = 120.0
# What tests/settings.py and a developer's shell say is not meant for the product under test.
FOREIGN = (
    *("DJANGO_SETTINGS_MODULE", "CONSOLE_HOME", "SECRET_KEY", "ALLOWED_HOSTS", "PUBLIC_URL"),
    *("REDIS_URL", "CELERY_BROKER_URL", "BROKER", "CONSOLE_CONFIG", "DEMO", "DEBUG"),
    *("SHOP_REDIS_URL", "SHOP_HOME", "SHOP_PORT", "SHOP_RATE", "SHOP_NUMBER", "SHOP_SEED"),
)


T = TypeVar("T")


class NoAnswerError(Exception):
    """The web server gave no answer, or one of 5xx: it may be starting again."""


class RunningConsole:
    """One run of the demo; as a context manager it is stopped, and its log shown, at the end.

    `environment` goes to every process, for example SHOP_RATE="600".
    """

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.login_link = ""  # works once
        self.ready_after_s = 0.0
        self._lines: list[str] = []
        self._welcomed = threading.Event()
        self._process: subprocess.Popen[str] | None = None
        own = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        self._environment = {
            **own,
            "CONSOLE_HOME": str(home),
            "PYTHONUNBUFFERED": "1",
            **environment,
        }

    def start(self) -> None:
        """Start everything; return once the login link is printed."""
        began = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--demo", "--port", str(self.port)],
            cwd=ROOT,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()
        if not self._welcomed.wait(READY_WITHIN_S) or not self.login_link:
            words = self.story()
            self._end()
            raise AssertionError(f"the console did not become ready\n{words}")
        self.ready_after_s = time.monotonic() - began

    def stop(self) -> None:
        """Ctrl-C; raises AssertionError when something of it is still there afterwards."""
        if self._process is None:
            return
        self._end()
        left = {process.pid: process.name() for process in self._own_processes()}
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        assert not left, f"still running after the stop: {left}\n{self.story()}"

    @property
    def token(self) -> str:
        """The demo's API token."""
        return (self.home / "demo" / "token").read_text(encoding="utf-8").strip()

    def api(self, path: str, body: Any = None, **query: object) -> Any:
        """The JSON answer of `/api/<path>`; a body makes it a POST.

        Raises NoAnswerError; AssertionError on a refusal (4xx).
        """
        words = f"?{urlencode(query)}" if query else ""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310  # our own address
            f"{self.url}/api/{path}{words}", data=data, headers=headers
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            text = f"{error.code} {error.read()[:1000].decode(errors='replace')}"
            if error.code >= 500:
                raise NoAnswerError(text) from error
            raise AssertionError(f"/api/{path}{words}: {text}") from error
        except OSError as error:
            raise NoAnswerError(str(error)) from error

    def every(self, path: str, **query: object) -> list[dict[str, Any]]:
        """All items of a list, page by page."""
        items: list[dict[str, Any]] = []
        cursor = ""
        while True:
            answer = self.api(path, **query, **({"cursor": cursor} if cursor else {}))
            items += answer["items"]
            cursor = answer["next"] or ""
            if not cursor:
                return items

    def manage(self, *words: str) -> str:
        """The output of `./manage.py …` at a second terminal."""
        answer = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == 0, f"manage.py {' '.join(words)}: {answer.stderr[-3000:]}"
        return answer.stdout

    def ledger(self) -> dict[str, Any]:
        """What the shop's providers really did."""
        found: dict[str, Any] = json.loads(self.manage("shop", "ledger", "--json"))
        return found

    def shared(self, name: str) -> str:
        """A value that `up` shares with all processes, for example SHOP_REDIS_URL."""
        lines = (self.home / "environment").read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)[name]

    def pid(self, name: str) -> int:
        """The process ID of one program: redis, tap, web, shop-payment, …"""
        return int((self.home / "run" / f"{name}.pid").read_text(encoding="utf-8"))

    def kill(self, name: str) -> int:
        """kill -9 of exactly that process; its ID. Supervisor will start another."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        return pid

    def is_back(self, name: str, killed: int) -> bool:
        """Whether another process runs in place of the killed one."""
        text = (self.home / "run" / f"{name}.pid").read_text(encoding="utf-8").strip()
        # empty for a moment while the successor writes it
        return text.isdigit() and int(text) != killed and _is_alive(int(text))

    def story(self) -> str:
        """What it printed and the end of every log, for a failing test."""
        printed = "\n".join(self._lines[-40:])
        logs = sorted((self.home / "log").glob("*.log")) if (self.home / "log").is_dir() else []
        return "\n".join([f"== up\n{printed}", *(_tail(path) for path in logs)])

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._lines.append(line.rstrip())
            if found := re.search(r"https?://\S+/login/\S+", line):
                self.login_link = found[0]
            if line.startswith("Ctrl-C"):
                self._welcomed.set()
        self._welcomed.set()  # it ended: nobody needs to wait any longer

    def _own_processes(self) -> list[psutil.Process]:
        """Whatever runs on this state directory, orphans too."""
        return [
            process
            for process in psutil.process_iter(["environ"])
            if (process.info["environ"] or {}).get("CONSOLE_HOME") == str(self.home)
        ]

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=STOPPED_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> "RunningConsole":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            print(self.story())  # noqa: T201  # pytest shows it beside the failure
            self._end()
            return
        self.stop()


def wait_for(condition: Callable[[], T], what: str, within_s: float = PATIENCE_S) -> T:
    """The condition's first true answer; a web server that is away counts as "not yet"."""
    ends = time.monotonic() + within_s
    last: object = None
    while time.monotonic() < ends:
        try:
            found = condition()
        except NoAnswerError as error:
            last = error
        else:
            if found:
                return found
            last = found
        time.sleep(0.5)
    raise AssertionError(f"waited {within_s:g} s in vain for {what}; last: {last!r}")


def _tail(log: Path) -> str:
    """The end of a log, without the questions of `up` whether it is ready."""
    lines = log.read_text(errors="replace").splitlines()
    return f"== {log.name}\n" + "\n".join(x for x in lines if "/readyz" not in x)[-3000:]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z")
