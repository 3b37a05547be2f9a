"""Discovery's limits: SCAN calls a second, and a rest after a long pass."""

from collections.abc import Iterator
from typing import Any

import pytest

from brokers import discovery
from brokers.config import BrokerConfig
from brokers.discovery import Discovery, Pace
from brokers.redis_wire import Wire
from tests.support.redis_server import RedisServer


def test_calls_are_saved_up_to_a_bound() -> None:
    pace = Pace()
    start = pace._at
    assert pace.allowed(start) == discovery.SCANS_AT_ONCE
    for _ in range(discovery.SCANS_AT_ONCE):
        pace.take()
    assert pace.allowed(start) == 0
    assert pace.allowed(start + 1) == discovery.SCANS_A_SECOND
    assert pace.allowed(start + 3600) == discovery.SCANS_AT_ONCE


class Counting(Wire):
    """A wire that counts its SCANs."""

    scans = 0

    def ask(self, *command: str | bytes | int) -> Any:
        """Count, and ask."""
        self.scans += command[0] == "SCAN"
        return super().ask(*command)


class Clock:
    """The monotonic clock, set by hand."""

    now = 1_000.0

    def monotonic(self) -> float:
        """Seconds."""
        return self.now


@pytest.fixture
def wire(redis_server: RedisServer, redis_url: str) -> Iterator[Counting]:
    wire = Counting(redis_url)
    yield wire
    wire.close()


def test_a_large_keyspace_is_gone_through_slowly(
    wire: Counting, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(discovery, "time", clock)
    monkeypatch.setattr(discovery, "SCAN_KEYS", 5)  # 300 calls or so
    client = redis_server.client()
    client.mset({f"key-{number}": "x" for number in range(3_000)})
    client.xadd("orders.0", {"data": b"{}"})
    found = Discovery(wire, BrokerConfig("shop", "redis://x"))
    found.streams()
    assert wire.scans == discovery.SCANS_AT_ONCE
    assert "still looking" in found.note
    found.streams(fresh=True)
    assert wire.scans == discovery.SCANS_AT_ONCE  # asking again does not make it faster
    for _ in range(30):
        clock.now += 1
        before = wire.scans
        found.streams(fresh=True)
        assert wire.scans - before <= discovery.SCANS_A_SECOND
        if not found.note:
            break
    assert [stream.name for stream in found.streams()] == ["orders.0"]
    whole = wire.scans
    clock.now += discovery.REST * whole / discovery.SCANS_A_SECOND - 1
    found.streams(fresh=True)
    assert wire.scans == whole  # at rest
    clock.now += 2
    found.streams()
    assert wire.scans > whole


def test_a_small_keyspace_is_looked_at_every_few_seconds(
    wire: Counting, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(discovery, "time", clock)
    found = Discovery(wire, BrokerConfig("shop", "redis://x"))
    for _ in range(10):
        found.streams()
    assert wire.scans == 1
    redis_server.client().xadd("orders.0", {"data": b"{}"})
    clock.now += discovery.REFRESH_S
    assert [stream.name for stream in found.streams()] == ["orders.0"]
