"""`./manage.py up`: everything of the product on this machine, until Ctrl-C."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import redis
from django.core.exceptions import ImproperlyConfigured

from console import demo, environment
from console.processes import addresses, embedded_redis, ports, programs, sweep
from console.processes.home import StateDirectory
from console.processes.keeper import Keeper

READY_WITHIN_S = 120
Say = Callable[[str], None]


class Up:
    """One run. `stop` may be called from a signal handler; `run` returns when all has ended."""

    def __init__(self, base: Path, home: Path, port: int, demo: bool, say: Say) -> None:
        self._base = base
        self._home = StateDirectory(home)
        self._port = port
        self._demo = demo
        self._say = say
        self._own_redis = not os.environ.get("REDIS_URL")
        self._stopping = False

    def run(self) -> None:
        """Start, wait, stop. Raises ImproperlyConfigured or RuntimeError with the next step."""
        self._home.prepare()
        if not self._home.lock():
            raise ImproperlyConfigured(
                f"another console already runs on {self._home.path}; "
                "stop it, or name another state directory: make run VAR=…"
            )
        self._sweep()
        if not ports.is_free(self._port):
            raise ImproperlyConfigured(
                f"port {self._port} is in use; choose another, for example: make run PORT=8001"
            )
        self._share_environment()
        kept = self._programs()
        keeper = Keeper(self._home, kept, self._base)
        self._catch_signals()
        try:
            self._start(keeper, kept)
            self._watch(keeper)
        finally:
            self._say("stopping …")
            keeper.close()
            self._say("stopped")

    def _sweep(self) -> None:
        left = sweep.sweep(self._home.run)
        if left:
            self._say(f"ended what a killed run left: {', '.join(left)}")

    def _share_environment(self) -> None:
        """Decide every address of this run and share it with all processes."""
        saved = environment.saved(self._home.path)
        values = addresses.console(self._home, self._port, saved)
        if self._own_redis:
            embedded_redis.configure(self._home, addresses.port_of(values["REDIS_URL"]))
        if self._demo:
            values |= addresses.demo(self._home, self._base, values["REDIS_URL"], saved)
        self._home.share(values)
        os.environ.update(values)

    def _programs(self) -> list[programs.Program]:
        first = [embedded_redis.program(self._home)] if self._own_redis else []
        shop = programs.shop() if self._demo else []
        taps = environment.load(self._home.path).taps
        return [*first, *programs.console(ports.HOST, self._port, taps), *shop]

    def _start(self, keeper: Keeper, kept: list[programs.Program]) -> None:
        keeper.open()
        names = [program.name for program in kept]
        if names[0] == "redis":
            keeper.start(names.pop(0))
        _wait_for_redis(os.environ["REDIS_URL"])
        files = threading.Thread(target=self._manage, args=("collectstatic", "--no-input"))
        files.start()
        self._manage("migrate", "--no-input")
        files.join()
        if self._demo:
            demo.switch_all_on(os.environ["SHOP_REDIS_URL"])
            self._manage("deployment", "--demo")
        keeper.start_all(names)
        self._wait_until_ready(keeper)
        self._say(f"ready: {os.environ['PUBLIC_URL']}")
        self._manage("welcome", *(["--demo"] if self._demo else []), shown=True)
        self._say("Ctrl-C stops everything")

    def _manage(self, *words: str, shown: bool = False) -> None:
        answer = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=self._base,
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode:
            raise RuntimeError(f"manage.py {' '.join(words)} failed:\n{answer.stderr[-3000:]}")
        if shown:
            self._say(answer.stdout.rstrip())

    def _wait_until_ready(self, keeper: Keeper) -> None:
        url = f"http://{ports.HOST}:{self._port}/readyz"
        answer = "no answer"
        for _ in range(READY_WITHIN_S * 5):
            if self._stopping:
                return
            answer = _ask(url)
            if not answer:
                return
            time.sleep(0.2)
        raise RuntimeError(f"not ready after {READY_WITHIN_S} s: {answer}\n{keeper.tail('web')}")

    def _watch(self, keeper: Keeper) -> None:
        while not self._stopping:
            if not keeper.running:
                raise RuntimeError(f"supervisord ended: see {self._home.logs}/supervisord.log")
            time.sleep(0.2)

    def _catch_signals(self) -> None:
        def stop(number: int, frame: FrameType | None) -> None:
            self._stopping = True

        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGTERM, stop)


def clean(home: Path) -> None:
    """Remove a state directory; raises ImproperlyConfigured while a console runs on it."""
    directory = StateDirectory(home)
    if not home.is_dir():
        return
    if not (home / "lock").exists():
        raise ImproperlyConfigured(f"{home} does not look like a state directory of ours")
    if not directory.lock():
        raise ImproperlyConfigured(f"a console runs on {home}; stop it first")
    sweep.sweep(directory.run)
    shutil.rmtree(home)


def _wait_for_redis(url: str) -> None:
    client = redis.Redis.from_url(url)
    problem = ""
    for _ in range(300):
        try:
            client.ping()
            return
        except redis.RedisError as error:  # starting, or loading its data
            problem = str(error)
            time.sleep(0.1)
    raise RuntimeError(f"Redis does not answer ({problem}); see REDIS_URL")


def _ask(url: str) -> str:
    """Empty when ready, else what is not."""
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310  # our own address
            return ""
    except urllib.error.HTTPError as error:
        return error.read().decode(errors="replace")
    except OSError as error:
        return str(error)
