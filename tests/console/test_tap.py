"""The tap on a real Redis: commit, then acknowledge; nothing skipped, nothing in the way."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection

from brokers import config as configuration
from brokers.config import Config
from brokers.redis_streams import RedisStreams
from console.tap import Tap
from console.tap_source import Source
from dlq.models import Letter
from tests.console.tap_world import World, same_database, toml
from tests.support.redis_server import RedisServer
from tests.tracing.arriving import appearances
from tracing import store
from tracing.envelope import Rules, identity
from tracing.models import Event, Flow, FlowKey, Malformed, Receipt

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(redis_url: str) -> Iterator[World]:
    yield World(redis_url)
    configuration.use(Config)


def test_everything_is_taken_in_and_acknowledged(world: World) -> None:
    for number in range(3):
        world.event(f"e{number}", f"orders.{number}")
    world.receipt("e1")
    tap = world.tap()
    tap.drain()
    assert Event.objects.count() == len(appearances()) == 3
    receipt = Receipt.objects.get()
    assert receipt.flow_id == "flow-1"
    assert bytes(receipt.identity) == identity("/shop/orders", "e1")
    assert Flow.objects.get().flow_id == "flow-1"
    assert FlowKey.objects.get().key == "order:4711"
    assert [world.pending(f"orders.{n}") for n in range(3)] == [0, 0, 0]
    assert tap.totals.accepted == 4


def test_a_receipt_may_come_before_its_event(world: World) -> None:
    world.receipt("late")
    world.tap().drain()
    assert Receipt.objects.get().flow_id == ""
    world.event("late")
    world.tap().drain()
    assert Receipt.objects.get().flow_id == "flow-1"


def test_a_malformed_message_is_kept_and_not_in_the_way(world: World) -> None:
    world.event("before")
    page = world.add("orders.0", {"data": "<html>502 Bad Gateway</html>"})
    wrong = world.event("wrong", ce_time="lunchtime")
    world.event("after")
    tap = world.tap()
    tap.drain()
    assert set(Event.objects.values_list("event_id", flat=True)) == {"before", "after", page}
    assert bytes(Event.objects.get(event_id=page).data or b"") == b"<html>502 Bad Gateway</html>"
    kept = Malformed.objects.get()
    assert kept.position == wrong
    assert b"lunchtime" in bytes(kept.raw)
    assert kept.reason.startswith("time: is no RFC 3339 time")
    assert (tap.totals.malformed, world.pending("orders.0")) == (1, 0)


def test_a_dead_letter_is_a_letter_and_evidence_of_its_event(world: World) -> None:
    position = world.event("gone")
    world.dead_letter(position)
    world.redis.xtrim("orders.0", maxlen=0)  # the event itself cannot be read any more
    world.tap().drain()
    letter, event = Letter.objects.get(), Event.objects.get()
    assert bytes(letter.event_identity) == bytes(event.identity)
    assert (event.topic, event.headers) == ("orders", {})
    (place,) = appearances()
    assert (place.stream, place.position) == ("orders.0", position)
    assert place.broker_time is not None


def test_a_malformed_dead_letter_is_a_letter(world: World) -> None:
    position = world.event("wrong", ce_time="lunchtime")
    world.dead_letter(position, **{"dead-letter-reason": "malformed"})
    world.tap().drain()
    assert Letter.objects.get().payload is not None
    assert Malformed.objects.get().stream == "orders.0"  # the message; the letter is not again
    assert not Event.objects.exists()


def test_it_restarts_where_it_was(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        world.event(f"e{number}")

    def crash(*_: object) -> None:
        raise KeyboardInterrupt  # after the commit, before the acknowledgement

    with monkeypatch.context() as patched:
        patched.setattr(RedisStreams, "acknowledge", crash)
        with pytest.raises(KeyboardInterrupt):
            world.tap().drain()
    assert Event.objects.count() == world.pending("orders.0") == 5
    world.event("new")
    again = world.tap()
    again.drain()
    assert Event.objects.count() == len(appearances()) == 6
    assert world.pending("orders.0") == 0
    assert (again.totals.accepted, again.totals.duplicates) == (1, 5)


def test_nothing_is_acknowledged_before_the_commit(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.event("e")

    def away(*_: object, **__: object) -> None:
        raise OperationalError("disk I/O error")

    tap = world.tap()
    with monkeypatch.context() as patched:
        patched.setattr(store, "put", away)
        tap.round(1)
        assert world.pending("orders.0") == 1
        assert not Malformed.objects.exists()
    _until(tap, lambda: Event.objects.count() == 1)
    assert world.pending("orders.0") == 0


def test_one_bad_row_harms_no_neighbour(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row the database refuses: here by a constraint of its own, as any future one might."""
    for event_id in ("a", "refused", "b"):
        world.event(event_id)
    real = store.put

    def picky(ready: Any) -> Any:
        taken = real(ready)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM tracing_event WHERE event_id = 'refused'")
            if cursor.fetchone()[0]:
                raise ValueError("a row the database refuses")
        return taken

    monkeypatch.setattr(store, "put", picky)
    world.tap().drain()
    assert set(Event.objects.values_list("event_id", flat=True)) == {"a", "b"}
    assert "could not be stored" in Malformed.objects.get().reason
    assert world.pending("orders.0") == 0


def test_it_waits_for_a_broker_that_is_away(world: World, redis_server: RedisServer) -> None:
    world.event("before")
    tap = world.tap()
    tap.drain()
    redis_server.kill()
    try:
        tap.round(1)  # does not raise
    finally:
        redis_server.restart()
    world.event("after")
    _until(tap, lambda: Event.objects.count() == 2)


def test_a_longer_wait_after_each_failure(world: World) -> None:
    source = Source(RedisStreams(world.config), Rules, "a")
    waits = [source.failed() for _ in range(10)]
    assert waits[:3] == [0.5, 1.0, 2.0]
    assert max(waits) == waits[-1] == 30.0
    source.well()
    assert source.failed() == 0.5


def test_it_ends_when_told(world: World) -> None:
    world.event("e")
    stop = threading.Event()
    tap = world.tap()
    _stop_when(stop, lambda: tap.totals.entries == 1)
    tap.run(stop)
    assert tap.totals.accepted == 1


@pytest.mark.parametrize("once", [True, False])
def test_the_command(world: World, once: bool, tmp_path: Path) -> None:
    """In a process of its own, on the same database; SIGTERM ends it in good order."""
    for number in range(10):
        world.event(f"e{number}")
    with subprocess.Popen(
        [sys.executable, "manage.py", "tap", "--json", *(["--once"] if once else [])],
        cwd=ROOT,
        env={
            **os.environ,
            **same_database(),
            "DJANGO_SETTINGS_MODULE": "console.settings",
            "CONSOLE_CONFIG": toml(tmp_path, world.config.url, "tap = true"),
        },
        stdout=subprocess.PIPE,
    ) as process:
        try:
            if not once:
                _wait(lambda: Event.objects.count() == 10)
                process.send_signal(signal.SIGTERM)
            out, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0
    assert json.loads(out)["accepted"] == 10
    assert Event.objects.count() == 10
    assert world.pending("orders.0") == 0


def _until(tap: Tap, done: Any) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        tap.round(50)


def _wait(done: Any) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _stop_when(stop: threading.Event, done: Any) -> None:
    def watch() -> None:
        _wait(done)
        stop.set()

    threading.Thread(target=watch, daemon=True).start()
