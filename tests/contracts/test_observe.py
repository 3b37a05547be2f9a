"""Reading without a consumer group, on a real server; REDIS_SERVER runs the same on another one."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from brokers import redis_observe
from brokers.config import BrokerConfig
from brokers.contract import Beginning, BrokerError
from brokers.redis_gaps import gap
from brokers.redis_streams import RedisStreams
from tests.support.redis_server import RedisServer


@pytest.fixture
def client(redis_server: RedisServer, redis_url: str) -> Any:
    return redis_server.client()


@pytest.fixture
def broker(redis_url: str) -> Iterator[RedisStreams]:
    broker = RedisStreams(BrokerConfig(name="shop", url=redis_url))
    yield broker
    broker.close()


def fill(client: Any, stream: str, count: int, size: int = 2) -> list[str]:
    return [client.xadd(stream, {"data": b"x" * size}).decode() for _ in range(count)]


def begin(url: str, start: str, since: datetime | None = None) -> Beginning:
    broker = RedisStreams(BrokerConfig(name="shop", url=url, start=start))
    (found,) = broker.begin(["orders.0"], since or datetime.now(UTC) + timedelta(minutes=1))
    return found


def after(broker: RedisStreams, position: str, count: int = 1_000) -> list[str]:
    return [entry.position for entry in broker.read_after({"orders.0": position}, count, 0)]


def test_the_newest_entries(broker: RedisStreams, redis_url: str, client: Any) -> None:
    sent = fill(client, "orders.0", 730)
    found = begin(redis_url, "250 entries")
    assert after(broker, found.position) == sent[-250:]
    assert found.left_out == 480
    assert found.since is not None
    counts = "entries-added" in client.xinfo_stream("orders.0")
    assert found.added == (480 if counts else None)


def test_all_that_is_not_more_than_wanted(
    broker: RedisStreams, redis_url: str, client: Any
) -> None:
    sent = fill(client, "orders.0", 5)
    for start in ("5 entries", "all", "1h"):
        found = begin(redis_url, start)
        assert (found.position, found.left_out, found.since) == ("0-0", 0, None)
        assert after(broker, found.position) == sent


def test_those_of_the_last_hour(broker: RedisStreams, redis_url: str, client: Any) -> None:
    now = int(client.time()[0]) * 1000
    client.xadd("orders.0", {"data": b"{}"}, id=f"{now - 7_200_000}-0")
    young = client.xadd("orders.0", {"data": b"{}"}, id=f"{now - 60_000}-0").decode()
    found = begin(redis_url, "1h")
    assert after(broker, found.position) == [young]
    assert found.left_out is None  # some, not counted
    assert found.since is not None
    age = datetime.fromtimestamp(now / 1000, UTC) - found.since
    assert timedelta(minutes=59) < age < timedelta(minutes=61)


def test_from_now_on(broker: RedisStreams, redis_url: str, client: Any) -> None:
    fill(client, "orders.0", 5)
    found = begin(redis_url, "now")
    assert (found.left_out, after(broker, found.position)) == (5, [])
    new = fill(client, "orders.0", 1)
    assert after(broker, found.position) == new


def test_what_came_since_we_watch_is_read_in_any_case(
    broker: RedisStreams, redis_url: str, client: Any
) -> None:
    old = client.xadd("orders.0", {"data": b"{}"}, id="1000-1").decode()
    sent = fill(client, "orders.0", 30)
    for start in ("1 entry", "now"):
        found = begin(redis_url, start, datetime.now(UTC) - timedelta(minutes=1))
        assert after(broker, found.position) == sent, old


def test_an_empty_stream_and_one_that_is_gone(redis_url: str, client: Any) -> None:
    client.xgroup_create("orders.0", "payment", "0", mkstream=True)
    assert begin(redis_url, "now").position == "0-0"
    broker = RedisStreams(BrokerConfig(name="shop", url=redis_url))
    assert broker.begin(["nothing"], datetime.now(UTC)) == []


def drain(broker: RedisStreams, names: list[str], count: int = 200) -> list[tuple[str, str]]:
    cursors = dict.fromkeys(names, "0-0")
    found = []
    while batch := broker.read_after(cursors, count, 0):
        assert len(batch) <= count + len(names)
        found += [(entry.stream, entry.position) for entry in batch]
        cursors.update((entry.stream, entry.position) for entry in batch)
    return found


def test_every_entry_of_every_stream_once_and_in_order(broker: RedisStreams, client: Any) -> None:
    sent: dict[str, list[str]] = {}
    for number in range(900):
        stream = f"orders.{number % 7 if number % 2 else 0}"
        sent.setdefault(stream, []).extend(fill(client, stream, 1))
    found = drain(broker, sorted(sent))
    assert len(found) == 900
    for stream, positions in sent.items():
        assert [position for name, position in found if name == stream] == positions


def test_many_streams_take_turns(
    broker: RedisStreams, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_observe, "STREAMS_A_READ", 4)
    names = [f"orders.{number}" for number in range(11)]
    for name in names:
        fill(client, name, 40)
    first = {entry.stream for entry in broker.read_after(dict.fromkeys(names, "0-0"), 8, 0)}
    second = {entry.stream for entry in broker.read_after(dict.fromkeys(names, "0-0"), 8, 0)}
    assert first
    assert not first & second
    assert len(drain(broker, names)) == 11 * 40


def test_a_burst_on_all_streams_stays_bounded(broker: RedisStreams, client: Any) -> None:
    names = [f"orders.{number}" for number in range(50)]
    fill(client, names[0], 3_000)
    cursors = dict.fromkeys(names, "0-0")
    for _ in range(4):
        batch = broker.read_after(cursors, 500, 0)
        cursors.update((entry.stream, entry.position) for entry in batch)
    assert len(batch) >= 80  # a busy stream among idle ones gets more at a time
    while batch := broker.read_after(cursors, 500, 0):
        cursors.update((entry.stream, entry.position) for entry in batch)
    for name in names:
        fill(client, name, 100)
    assert len(broker.read_after(cursors, 500, 0)) <= 550


def test_large_entries_come_in_smaller_reads(
    broker: RedisStreams, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_observe, "BYTES_A_READ", 100_000)
    fill(client, "orders.0", 60, size=20_000)
    first = broker.read_after({"orders.0": "0-0"}, 30, 0)
    second = broker.read_after({"orders.0": first[-1].position}, 30, 0)
    assert (len(first), len(second)) == (30, 5)


def test_it_waits_for_the_first_entry(broker: RedisStreams, client: Any) -> None:
    fill(client, "orders.0", 1)
    head = client.xinfo_stream("orders.0")["last-generated-id"].decode()
    threading.Timer(0.1, lambda: fill(client, "orders.0", 1)).start()
    assert len(broker.read_after({"orders.0": head}, 10, 4_000)) == 1
    assert broker.read_after({}, 10, 1) == []


def test_a_stream_that_became_something_else_is_not_in_the_way(
    broker: RedisStreams, client: Any
) -> None:
    fill(client, "orders.0", 1)
    client.set("orders.1", "x")
    found = broker.read_after({"orders.0": "0-0", "orders.1": "0-0", "gone": "0-0"}, 10, 1)
    assert [entry.stream for entry in found] == ["orders.0"]
    assert broker.read_after({"orders.1": "0-0"}, 10, 1) == []


def test_a_broker_that_is_away_is_told(client: Any) -> None:
    broker = RedisStreams(BrokerConfig(name="shop", url="redis://127.0.0.1:1/0"))
    with pytest.raises(BrokerError, match="cannot be reached"):
        broker.read_after({"orders.0": "0-0"}, 10, 1)


def test_entries_trimmed_before_they_were_read_are_noticed(
    broker: RedisStreams, client: Any
) -> None:
    sent = fill(client, "orders.0", 10)
    client.xtrim("orders.0", maxlen=4, approximate=False)
    (state,) = broker.states(["orders.0"])
    counts = state.added is not None
    found = gap(sent[1], 2, state)
    assert found is not None
    assert (found.lost, found.added) == ((4, 6) if counts else (None, None))
    assert ("4 entries were" if counts else "may have been") in found.words
    assert after(broker, found.position) == sent[6:]
    again = gap(found.position, found.added, state)
    assert again is None or not counts
    assert gap(sent[6], 7, state) is None
    assert gap(sent[9], 10, state) is None
    read = gap(sent[4], 5, state, sent[5:7]) if counts else None  # 5 was read, and then trimmed
    assert read is None


def test_a_stream_emptied_after_it_was_read_has_lost_nothing(
    broker: RedisStreams, client: Any
) -> None:
    sent = fill(client, "orders.0", 3)
    client.xtrim("orders.0", maxlen=0, approximate=False)
    (state,) = broker.states(["orders.0"])
    assert gap(sent[2], 3, state) is None
    missed = gap(sent[1], 2, state)
    assert missed is not None
    assert missed.position == sent[2]
    assert missed.lost == (1 if state.added is not None else None)


def test_a_stream_made_anew_is_read_from_its_start(broker: RedisStreams, client: Any) -> None:
    sent = fill(client, "orders.0", 3)
    client.delete("orders.0")
    client.xadd("orders.0", {"data": b"{}"}, id="5-1")
    (state,) = broker.states(["orders.0"])
    found = gap(sent[2], 3, state)
    assert found is not None
    assert (found.position, found.anew, found.lost) == ("0-0", True, 0)
    assert after(broker, found.position) == ["5-1"]


def test_nothing_is_written(broker: RedisStreams, redis_url: str, client: Any) -> None:
    fill(client, "orders.0", 300)
    client.xgroup_create("orders.0", "payment", "0")
    before = (client.dbsize(), client.dump("orders.0"))
    found = begin(redis_url, "150 entries")
    broker.states(["orders.0"])
    broker.read_after({"orders.0": found.position}, 1_000, 1)
    assert (client.dbsize(), client.dump("orders.0")) == before
