"""The tap on a broker that is only observed: from cursors beside the rows, nothing written."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from brokers import config as configuration
from brokers import discovery
from brokers.config import Config
from console import tap_cursors, tap_reading
from console.tap import Tap
from dlq.models import Letter
from kit import clock
from kit.writes import writing
from tests.console.tap_world import World, same_database, toml
from tests.support.redis_server import RedisServer
from tracing import cursors, queries, store
from tracing.cursors import Move, Overtaken
from tracing.models import Appearance, Cursor, Event, Malformed, Receipt, Watch

ROOT = Path(__file__).parents[2]
NEW: Any = {"ce-specversion": "1.0", "ce-id": "new", "ce-source": "/shop/x", "ce-type": "T"}
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(discovery, "REFRESH_S", 0.0)  # new streams are found at once
    yield World(redis_url, tap=False)
    configuration.use(Config)


def ids() -> list[str]:
    return list(Event.objects.order_by("id").values_list("event_id", flat=True))


def until(tap: Tap, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline
        tap.round(1)
        time.sleep(0.02)


def test_everything_is_taken_in_and_nothing_is_written(world: World) -> None:
    for number in range(3):
        position = world.event(f"e{number}", f"orders.{number}")
    world.receipt("e1")
    world.dead_letter(position, "orders.2")
    before = [world.redis.dump(key) for key in sorted(world.redis.keys())]
    tap = world.tap()
    tap.drain()
    assert sorted(ids()) == ["e0", "e1", "e2"]
    assert Receipt.objects.get(origin="receipt").flow_id == "flow-1"
    assert Letter.objects.get().event_id == "e2"
    assert [world.redis.dump(key) for key in sorted(world.redis.keys())] == before
    cursor = Cursor.objects.get(stream="orders.2")
    assert (cursor.position, cursor.started, cursor.left_out) == (position, "0-0", 0)
    assert (tap.totals.accepted, tap.totals.dead_letters) == (4, 1)


def test_a_copy_on_a_dead_letter_queue_is_no_publication(world: World) -> None:
    position = world.event("e")
    found: Any = world.redis.xrange("orders.0", position, position)
    world.add("orders.billing.dlq", {**found[0][1], "error": "KeyError"})  # not saying from where
    world.tap().drain()
    cascade = queries.cascade_of("flow-1")
    assert cascade is not None
    (event,) = cascade.events
    assert [one.original for one in event.appearances] == [True, False]
    assert "duplicate" not in {one.kind.value for one in cascade.anomalies}


def test_it_goes_on_where_it_was(world: World) -> None:
    world.event("before")
    world.tap().drain()
    world.event("after")
    again = world.tap()
    again.drain()
    assert ids() == ["before", "after"]
    assert (again.totals.entries, again.totals.duplicates) == (1, 0)


def test_the_cursor_moves_with_the_rows_or_not_at_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.event("e")
    tap = world.tap()
    with monkeypatch.context() as patched:
        patched.setattr(cursors, "move", lambda *_: (_ for _ in ()).throw(OperationalError("gone")))
        tap.round(1)
    assert (ids(), Cursor.objects.count()) == ([], 0)
    with monkeypatch.context() as patched:
        patched.setattr(store, "put", lambda *_: (_ for _ in ()).throw(OperationalError("gone")))
        until(tap, lambda: tap._sources[0]._failures >= 2)
    assert Cursor.objects.count() == 0
    until(tap, lambda: ids() == ["e"])
    assert Cursor.objects.get().position == Event.objects.get().position


def test_an_entry_that_cannot_be_stored_is_not_in_the_way(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "poison", "b"):
        world.event(name)
    real = store.put

    def put(ready: Any) -> Any:
        if any(row[5].encode() == b"poison" for row in ready.events.values()):
            raise ValueError("cannot be stored")
        return real(ready)

    monkeypatch.setattr(store, "put", put)
    world.tap().drain()
    assert ids() == ["a", "b"]
    assert "cannot be stored" in Malformed.objects.get().reason
    head = world.redis.xinfo_stream("orders.0")["last-generated-id"]
    assert Cursor.objects.get().position == head.decode()


def test_a_bounded_start_is_kept_and_told(redis_url: str) -> None:
    world = World(redis_url, tap=False, start="3 entries")
    for number in range(10):
        world.event(f"e{number}")
    world.tap().drain()
    assert ids() == ["e7", "e8", "e9"]
    cursor = Cursor.objects.get()
    assert (cursor.left_out, cursor.since is not None) == (7, True)
    world.event("e10", "orders.1")  # a stream that comes later is read from its first entry
    for number in range(5):
        world.event(f"late{number}", "orders.1")
    world.tap().drain()
    assert Event.objects.count() == 3 + 6
    summary = cursors.summaries()["shop"]
    assert (summary.streams, summary.cut, summary.left_out, summary.counted) == (2, 1, 7, True)
    assert summary.since == cursor.since


def test_a_start_in_time_is_counted_on_once_all_is_read(redis_url: str) -> None:
    world = World(redis_url, tap=False, start="1h")
    world.redis.xadd("orders.0", NEW, id="1000-1")  # long ago
    for number in range(3):
        world.event(f"e{number}")
    world.tap().drain()
    assert sorted(ids()) == ["e0", "e1", "e2"]
    row = Cursor.objects.get()
    counted = world.redis.xinfo_stream("orders.0").get("entries-added")
    assert (row.left_out, row.added) == (None, counted)
    world.event("more")
    world.tap().drain()
    row.refresh_from_db()
    assert row.added == world.redis.xinfo_stream("orders.0").get("entries-added")
    assert row.noticed == ""


def test_many_streams_begin_a_few_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tap_cursors, "BEGIN", 2)
    for number in range(9):
        world.event(f"e{number}", f"orders.{number}")
    world.redis.xgroup_create("empty", "payment", "0", mkstream=True)
    world.tap().drain()
    assert (Event.objects.count(), Cursor.objects.count()) == (9, 10)


def test_a_backlog_goes_in_several_transactions(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tap_reading, "BATCH", 4)
    monkeypatch.setattr(tap_reading, "READ", 16)
    for number in range(60):
        world.event(f"e{number}", f"orders.{number % 3}")
    world.tap().drain()
    assert Event.objects.count() == 60
    heads = {f"orders.{n}": world.redis.xinfo_stream(f"orders.{n}") for n in range(3)}
    for row in Cursor.objects.all():
        assert row.position == heads[row.stream]["last-generated-id"].decode()


def test_a_stream_that_was_trimmed_past_the_cursor(world: World) -> None:
    world.event("first")
    world.tap().drain()
    for number in range(5):
        world.event(f"e{number}")
    world.redis.xtrim("orders.0", maxlen=2, approximate=False)
    world.tap().drain()
    assert ids() == ["first", "e3", "e4"]
    row = Cursor.objects.get()
    counts = "entries-added" in world.redis.xinfo_stream("orders.0")
    assert row.lost == (3 if counts else 0)
    assert "trimmed before" in row.noticed
    assert row.noticed_at is not None
    before = row.noticed_at
    world.event("more")
    world.tap().drain()
    row.refresh_from_db()
    assert (row.noticed_at, ids()[-1]) == (before, "more")
    assert "orders.0: " in cursors.summaries()["shop"].noticed


def test_a_stream_deleted_and_made_anew(world: World) -> None:
    world.event("old")
    world.tap().drain()
    world.redis.delete("orders.0")
    world.redis.xadd("orders.0", NEW, id="5-1")
    world.tap().drain()
    assert ids() == ["old", "new"]
    row = Cursor.objects.get()
    assert (row.position, row.noticed) == ("5-1", "was deleted and made anew; read from its start")


def test_made_anew_while_the_tap_runs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tap_cursors, "CHECK_EVERY_S", 0.0)
    world.event("old")
    tap = world.tap()
    until(tap, lambda: ids() == ["old"])
    world.redis.delete("orders.0")
    world.redis.xadd("orders.0", NEW, id="5-1")
    until(tap, lambda: ids() == ["old", "new"])


def test_one_process_reads_and_another_takes_over(world: World) -> None:
    world.event("one")
    first, second = world.tap("a"), world.tap("b")
    until(first, lambda: ids() == ["one"])
    world.event("two")
    for _ in range(3):
        second.round(1)
    assert ids() == ["one"]  # the first one's
    first.close()
    until(second, lambda: ids() == ["one", "two"])
    assert Watch.objects.get().process == "b"
    Watch.objects.update(held_until=clock.now())  # killed, and the time is over
    world.event("three")
    third = world.tap("c")
    until(third, lambda: ids() == ["one", "two", "three"])
    assert third.totals.duplicates == 0


def test_a_process_that_was_overtaken_stores_nothing_twice(world: World) -> None:
    world.event("one")
    slow, quick = world.tap("a"), world.tap("b")
    until(slow, lambda: ids() == ["one"])
    Watch.objects.update(held_until=clock.now())
    world.event("two")
    until(quick, lambda: ids() == ["one", "two"])
    position = Cursor.objects.get().position
    world.event("three")
    slow.round(1)  # it still believes to hold the broker, and to be at the first event
    assert (ids(), Cursor.objects.get().position) == (["one", "two"], position)
    until(quick, lambda: ids() == ["one", "two", "three"])


def test_a_cursor_moves_only_from_where_it_is(world: World) -> None:
    world.event("one")
    world.tap().drain()
    with pytest.raises(RuntimeError, match="needs the caller's transaction"):
        cursors.move("shop", [])
    with pytest.raises(Overtaken), writing():
        cursors.move("shop", [Move("orders.0", "1-1", "2-2")])


def test_kill_9_loses_and_repeats_nothing(
    world: World, redis_server: RedisServer, tmp_path: Path
) -> None:
    for number in range(6_000):
        world.event(f"e{number}", f"orders.{number % 3}")
    process = subprocess.Popen(
        [sys.executable, "manage.py", "tap", "--process", "victim"],
        cwd=ROOT,
        env={
            **os.environ,
            **same_database(),
            "DJANGO_SETTINGS_MODULE": "console.settings",
            "CONSOLE_CONFIG": toml(tmp_path, redis_server.url, 'start = "all"'),
        },
    )
    deadline = time.monotonic() + 60
    while Event.objects.count() < 500:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.wait()
    stored = Event.objects.count()
    assert stored < 6_000
    again = World(redis_server.url, tap=False, start="all").tap("victim")
    again.drain()
    assert (Event.objects.count(), Appearance.objects.count()) == (6_000, 0)
    assert (again.totals.accepted, again.totals.duplicates) == (6_000 - stored, 0)
