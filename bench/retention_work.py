"""The work that bench/retention.py measures; imported with Django set up.

Rounds of intake take turns: retention at rest, retention at work (a process of its own, as in the
product), on stores of the same size, so that a busy machine weighs on both alike. In every round
there is more that is old than retention gets done. Then it is left alone with what is old.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connection
from django.test import Client

from bench.tap_work import _fields, _publish
from brokers import config as configuration
from brokers.config import BrokerConfig, Config
from brokers.redis_streams import RedisStreams
from console.rulebook import Rulebook
from console.tap import Tap
from kit.limits import MIB
from kit.models import User
from tests.support.redis_server import RedisServer
from tracing import pins
from tracing.models import Event, Flow, Sweep
from tracing.retention import room

EVENTS = int(os.environ.get("BENCH_RETENTION_EVENTS", "200000"))
ROUNDS = max(2, EVENTS // 50_000)  # at rest, and as many at work; of seconds, not of moments
LOG_MAX = 256 * MIB  # console.W004 warns from there on
LOADS = 100  # of each page
# A twentieth of the file stays as a reserve, and pages of indexes stay half empty.
GIVEN_BACK = 0.6
ALONE_S = 300.0  # at most, for what is old at the end
PAGES = ("/orders", "/orders/{flow}")


def main() -> None:
    """Measure, and print the rows as the last line."""
    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    configuration.use(Config)
    server = RedisServer()
    try:
        with _sweeper() as say, _watched() as sizes:
            print(json.dumps(_measured(server, say, sizes)))
    finally:
        server.stop()


class Sizes:
    """The largest the file and the log ever were, in bytes."""

    def __init__(self) -> None:
        self.file = self.log = 0

    def look(self) -> None:
        """Measure now."""
        now = room.room()
        self.file, self.log = max(self.file, now.file), max(self.log, now.log or 0)


def _measured(server: RedisServer, say: Callable[[str], None], sizes: Sizes) -> list[Any]:
    intake = _Intake(server)
    each = EVENTS // ROUNDS // 2
    intake.round(each * 2)
    shown = pins.pin(_newest_flow(), actor="bench", user=None).flow_id  # to look at it afterwards
    before = _page_ms(shown)
    spent = {"off": 0.0, "on": 0.0}
    for _ in range(ROUNDS):
        for kind in spent:
            spent[kind] += intake.round(each, say if kind == "on" else None)
    off, on = (ROUNDS * each / seconds for seconds in spent.values())
    during = Sweep.objects.filter(name="events 1s").values_list("deleted", flat=True).first() or 0
    full = room.room()
    rows = [_row("retention on: events a second, beside off", on, off, 0.9)]
    print(f"deleted beside the intake: {during:,}", file=sys.stderr)
    say("on")
    _until_gone(shown)
    say("off")
    left = Event.objects.count()
    rows.append(_came_back(full, intake, left))
    after = _page_ms(shown)
    rows.append(_row("pages before retention, beside after: processor ms", before, after, 1 / 1.2))
    if connection.vendor == "sqlite":
        name = "log that W004 allows, beside its most: MiB"
        rows.append(_row(name, LOG_MAX / MIB, sizes.log / MIB, 1.0))
    return rows


def _came_back(full: room.Room, intake: "_Intake", left: int) -> dict[str, Any]:
    """SQLite gives room back; PostgreSQL uses it again."""
    gone = intake.taken - left
    share = gone / intake.taken
    print(f"deleted in all: {gone:,} of {intake.taken:,}", file=sys.stderr)
    if connection.vendor == "sqlite":
        now = room.room()
        name = "file given back, beside what was deleted: MiB"
        return _row(name, (full.file - now.file) / MIB, share * full.file / MIB, GIVEN_BACK)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")  # as autovacuum does within a minute
    intake.round(gone // 2)
    now = room.room()
    return _row(
        "file when full, beside after half as many again: MiB", full.file / MIB, now.file / MIB, 0.9
    )


class _Intake:
    """A tap on a private broker; each round's events are old when the next one comes."""

    def __init__(self, server: RedisServer) -> None:
        broker = RedisStreams(BrokerConfig("shop", server.url, tap=True))
        self._tap = Tap([broker], Rulebook(), "bench")
        self._redis = server.client()
        self.taken = 0

    def round(self, events: int, say: Callable[[str], None] | None = None) -> float:
        """Seconds that the tap needed for so many events; `say` makes retention work meanwhile."""
        _publish(self._redis, [_fields(self.taken + index) for index in range(events)])
        if say:
            say("on")
        began = time.perf_counter()
        self._tap.drain()
        spent = time.perf_counter() - began
        if say:
            say("off")
        self.taken += events
        for stream in self._redis.keys("orders.*"):
            self._redis.xtrim(stream, maxlen=0)
        # what the summariser does: without it nothing may go
        Flow.objects.filter(dirty_since__isnull=False).update(dirty_since=None, status="complete")
        return spent


def _until_gone(kept: str) -> None:
    end = time.monotonic() + ALONE_S
    while time.monotonic() < end:
        old = Event.objects.exclude(flow_id=kept)
        spare = room.room()
        settled = spare.file - spare.used <= room.RESERVE + spare.file // 20 + room.STEP
        if not old.exists() and (settled or connection.vendor != "sqlite"):
            return
        time.sleep(1)


def _newest_flow() -> str:
    return Flow.objects.order_by("-id").values_list("flow_id", flat=True)[0]


def _page_ms(flow: str) -> float:
    """A load of the list and of this order's page, in ms of processor time here and in PostgreSQL,
    so that what else the machine does has no part in it."""
    user, _ = User.objects.get_or_create(username="bench", defaults={"role": "admin"})
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    urls = [page.format(flow=flow) for page in PAGES] * LOADS
    for url in urls[: len(PAGES)]:
        assert client.get(url).status_code == 200
    began = _processor_s()
    for url in urls:
        client.get(url)
    return (_processor_s() - began) * 1_000 / LOADS


def _processor_s() -> float:
    """Seconds of processor time that this process, and its server process, have used."""
    own = time.process_time()
    if connection.vendor == "sqlite":
        return own
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (server,) = cursor.fetchone()
    fields = Path(f"/proc/{server}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
    return own + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _row(name: str, figure: float, raw: float, target: float) -> dict[str, Any]:
    name = f"{name}, {connection.vendor}"
    return {"name": name, "figure": figure, "raw": raw, "ratio": figure / raw, "target": target}


@contextmanager
def _sweeper() -> Iterator[Callable[[str], None]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.retention_sweeper"],
        cwd=Path(__file__).resolve().parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    write, answers = process.stdin, process.stdout

    def say(word: str) -> None:
        print(word, file=write, flush=True)
        assert answers.readline().strip() == word

    try:
        yield say
    finally:
        process.kill()
        process.wait()


@contextmanager
def _watched() -> Iterator[Sizes]:
    """Sizes that are looked at all the time."""
    sizes, stop = Sizes(), threading.Event()

    def watch() -> None:
        while not stop.wait(0.2):
            sizes.look()
        connection.close()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield sizes
    finally:
        stop.set()
        thread.join()
