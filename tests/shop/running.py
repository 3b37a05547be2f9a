"""The shop as real processes on a private home and a private Redis."""

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from redis import Redis

from shop.deploy import PARTITIONS
from tests.support.redis_server import free_port

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 90.0
CONSUMERS = ("payment", "inventory", "notification", "analytics", "fulfilment")


class Shop:
    """Starts and ends processes of `python -m shop`; asks its ledger and its Redis."""

    def __init__(self, redis_url: str, home: Path, **environment: str) -> None:
        self.port = free_port()
        self.home = home
        self.redis = Redis.from_url(redis_url, decode_responses=True)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._environment = {
            **os.environ,
            "SHOP_REDIS_URL": redis_url,
            "SHOP_HOME": str(home / "shop"),
            "SHOP_PORT": str(self.port),
            "PYTHONPATH": str(ROOT),
            **environment,
        }

    def start(self, name: str, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start one process; `name` is for `end` and its log."""
        log = (self.home / f"{name}.log").open("ab")
        process = subprocess.Popen(
            [sys.executable, "-m", "shop", *arguments],
            env={**self._environment, **environment},
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
        self._processes[name] = process
        return process

    def start_consumers(self) -> None:
        """One process of every consumer."""
        for name in CONSUMERS:
            self.start(name, "consumer", name, "--process", "1")

    def start_orders(self) -> None:
        """The order service, once it is healthy."""
        self.start("orders", "orders")
        wait_for(lambda: self.ask("GET", "/healthz")[0] == 200, "the order service")

    def end(self, name: str) -> int:
        """SIGTERM; its exit code."""
        process = self._processes.pop(name)
        process.terminate()
        return process.wait(timeout=30)

    def kill(self, name: str) -> None:
        """kill -9."""
        process = self._processes.pop(name)
        process.kill()
        process.wait(timeout=30)

    def end_all(self) -> None:
        """End what still runs: politely, then by force."""
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()

    def run(self, *arguments: str) -> str:
        """The output of a command that ends by itself."""
        return subprocess.run(
            [sys.executable, "-m", "shop", *arguments],
            env=self._environment,
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def ledger(self) -> dict[str, Any]:
        """What `ledger --json` prints."""
        found: dict[str, Any] = json.loads(self.run("ledger", "--json"))
        return found

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON of an answer; (0, {}) while nobody listens. `_` in names becomes `-`."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            client.request(method, path, body=body, headers=named)
            answer = client.getresponse()
            return answer.status, json.loads(answer.read())
        except OSError:
            return 0, {}
        finally:
            client.close()

    def events(self, topic: str) -> list[dict[str, str]]:
        """The entries of all partitions of a topic."""
        names = (f"{topic}.{number}" for number in range(PARTITIONS))
        return [fields for name in names for fields in self.entries(name)]

    def letters(self, topic: str, consumer: str) -> list[dict[str, str]]:
        """The dead letters of a consumer."""
        return self.entries(f"{topic}.{consumer}.dlq")

    def entries(self, stream: str) -> list[dict[str, str]]:
        """The fields of every entry of a stream."""
        found = cast("list[tuple[str, dict[str, str]]]", self.redis.xrange(stream))
        return [fields for _, fields in found]

    def logs(self) -> str:
        """The end of every log, for a failing test."""
        return "\n".join(f"== {p.name}\n{p.read_text()[-2000:]}" for p in self.home.glob("*.log"))


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Return once the condition holds."""
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError(f"waited {PATIENCE_S:g} s in vain for {what}")
