"""Reading as a tap: nothing skipped, nothing lost when a process dies, new streams found."""

from typing import Any

import pytest

from brokers import discovery, redis_tap
from brokers.config import BrokerConfig
from brokers.contract import BrokerError, Entry
from brokers.redis_streams import RedisStreams
from tests.support.redis_server import RedisServer

GROUP = "console-tap"


@pytest.fixture
def client(redis_server: RedisServer, redis_url: str) -> Any:
    return redis_server.client()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for new streams at every read, take over at every read."""
    monkeypatch.setattr(discovery, "REFRESH_S", 0.0)
    monkeypatch.setattr(redis_tap, "TAKE_OVER_EVERY_S", 0.0)


def tap(url: str) -> RedisStreams:
    return RedisStreams(BrokerConfig(name="shop", url=url, tap=True))


def drain(broker: RedisStreams, process: str = "t1", *, count: int = 50) -> list[Entry]:
    found: list[Entry] = []
    while batch := broker.read(GROUP, process, count, 1):
        assert len(batch) <= count
        broker.acknowledge(GROUP, batch)
        found += batch
    return found


def test_every_entry_of_every_stream_once(redis_url: str, client: Any) -> None:
    sent = set()
    for number in range(300):
        stream = f"orders.{number % 7}"
        sent.add((stream, client.xadd(stream, {"data": b"x", "n": number}).decode()))
    found = drain(tap(redis_url))
    assert {(entry.stream, entry.position) for entry in found} == sent
    assert len(found) == len(sent)
    assert client.xpending("orders.0", GROUP)["pending"] == 0


def test_the_order_within_a_stream_is_kept(redis_url: str, client: Any) -> None:
    sent = [client.xadd("orders.0", {"data": b"x"}).decode() for _ in range(130)]
    assert [entry.position for entry in drain(tap(redis_url), count=20)] == sent


def test_fields_as_they_came(redis_url: str, client: Any) -> None:
    fields = {"ce-id": "1", "bad": b"\xff\xfe", "data": b"\x00\xff"}
    client.xadd("orders.0", fields)
    (entry,) = drain(tap(redis_url))
    assert entry.headers == {"ce-id": "1", "bad": "\\xff\\xfe"}
    assert (entry.body, entry.topic, entry.broker) == (b"\x00\xff", "orders", "shop")
    assert entry.time is not None
    client.xadd("orders.0", {"only": "headers"})
    client.xadd("early", {"data": b""}, id="7-1")
    by_stream = {entry.stream: entry for entry in drain(tap(redis_url))}
    assert by_stream["orders.0"].body is None
    assert (by_stream["early"].body, by_stream["early"].time) == (b"", None)


def test_what_was_not_acknowledged_comes_again_first(redis_url: str, client: Any) -> None:
    for number in range(5):
        client.xadd("orders.0", {"data": str(number)})
    broker = tap(redis_url)
    first = broker.read(GROUP, "t1", 3, 1)
    again = broker.read(GROUP, "t1", 3, 1)
    assert [entry.position for entry in again] == [entry.position for entry in first]
    broker.acknowledge(GROUP, again)
    assert [entry.body for entry in drain(broker)] == [b"3", b"4"]


def test_ahead_is_what_comes_after_the_unacknowledged(redis_url: str, client: Any) -> None:
    for number in range(6):
        client.xadd("orders.0", {"data": str(number)})
    broker = tap(redis_url)
    assert broker.read(GROUP, "t1", 2, 1, ahead=True) == []  # first what an earlier run left
    first = broker.read(GROUP, "t1", 2, 1)
    second = broker.read(GROUP, "t1", 2, 1, ahead=True)
    broker.acknowledge(GROUP, first)
    third = broker.read(GROUP, "t1", 2, 1, ahead=True)
    found = [entry.body for entry in [*first, *second, *third]]
    assert found == [str(number).encode() for number in range(6)]
    assert client.xpending("orders.0", GROUP)["pending"] == 4
    again = broker.read(GROUP, "t1", 9, 1)
    assert [entry.body for entry in again] == [b"2", b"3", b"4", b"5"]


def test_after_a_crash_the_same_process_goes_on(redis_url: str, client: Any) -> None:
    for number in range(9):
        client.xadd("orders.0", {"data": str(number)})
    tap(redis_url).read(GROUP, "t1", 4, 1)
    found = drain(tap(redis_url), "t1")
    assert sorted(entry.body or b"" for entry in found) == [str(n).encode() for n in range(9)]


def test_a_dead_process_is_taken_over(
    redis_url: str, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        client.xadd("orders.0", {"data": str(number)})
    tap(redis_url).read(GROUP, "dead", 4, 1)
    assert len(drain(tap(redis_url), "t2")) == 2  # too early: the other may live
    monkeypatch.setattr(redis_tap, "TAKE_OVER_MS", 0)
    assert len(drain(tap(redis_url), "t2")) == 4
    assert client.xpending("orders.0", GROUP)["pending"] == 0


def test_entries_deleted_while_pending_are_let_go(
    redis_url: str, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    positions = [client.xadd("orders.0", {"data": str(n)}) for n in range(4)]
    tap(redis_url).read(GROUP, "dead", 4, 1)
    client.xdel("orders.0", *positions[:3])
    monkeypatch.setattr(redis_tap, "TAKE_OVER_MS", 0)
    assert [entry.body for entry in drain(tap(redis_url), "t2")] == [b"3"]
    assert client.xpending("orders.0", GROUP)["pending"] == 0


def test_a_stream_that_comes_later_is_read_from_its_start(redis_url: str, client: Any) -> None:
    client.xadd("orders.0", {"data": b"1"})
    broker = tap(redis_url)
    assert len(drain(broker)) == 1
    for _ in range(3):
        client.xadd("payments.0", {"data": b"2"})
    assert [entry.stream for entry in drain(broker)] == ["payments.0"] * 3


def test_a_stream_deleted_and_made_anew(redis_url: str, client: Any) -> None:
    client.xadd("orders.0", {"data": b"1"})
    client.xadd("stock.0", {"data": b"1"})
    broker = tap(redis_url)
    assert len(drain(broker)) == 2
    client.delete("orders.0")
    client.xadd("orders.0", {"data": b"2"})
    assert broker.read(GROUP, "t1", 10, 1) == []  # learns that its group is gone
    assert [entry.body for entry in drain(broker)] == [b"2"]
    assert client.xpending("orders.0", GROUP)["pending"] == 0


def test_two_processes_share(redis_url: str, client: Any) -> None:
    for number in range(40):
        client.xadd("orders.0", {"data": str(number)})
    one, two = tap(redis_url), tap(redis_url)
    first, second = one.read(GROUP, "a", 20, 1), two.read(GROUP, "b", 20, 1)
    assert not {e.position for e in first} & {e.position for e in second}
    assert len(first) + len(second) == 40


def test_off_means_nothing_is_written(redis_url: str, client: Any) -> None:
    client.xadd("orders.0", {"data": b"1"})
    broker = RedisStreams(BrokerConfig(name="shop", url=redis_url))
    with pytest.raises(BrokerError, match="tap = true"):
        broker.read(GROUP, "t1", 10, 1)
    assert client.xinfo_groups("orders.0") == []


def test_an_empty_broker_gives_nothing_and_does_not_fail(redis_url: str) -> None:
    assert tap(redis_url).read(GROUP, "t1", 10, 1) == []
