"""Cursors and pending lists, on a real server; REDIS_SERVER runs the same on another one."""

from typing import Any

import pytest

from brokers.config import BrokerConfig
from brokers.contract import ConsumerCursor, PendingSpan
from brokers.redis_streams import RedisStreams
from tests.support.redis_server import RedisServer


@pytest.fixture
def client(redis_server: RedisServer, redis_url: str) -> Any:
    return redis_server.client()


def test_cursors_and_what_is_pending(client: Any, redis_url: str) -> None:
    broker = RedisStreams(BrokerConfig(name="shop", url=redis_url))
    sent = [client.xadd("orders.0", {"data": b"{}"}).decode() for _ in range(6)]
    client.xgroup_create("orders.0", "payment", "0")
    client.xgroup_create("orders.0", "audit", "0")
    client.xreadgroup("payment", "p1", {"orders.0": ">"}, count=4)
    client.xack("orders.0", "payment", sent[1])
    client.xclaim("orders.0", "payment", "p2", 0, [sent[2]])
    found = broker.cursors(["orders.0", "nothing"])
    assert sorted(found, key=lambda one: one.consumer) == [
        ConsumerCursor("orders.0", "audit", "0-0"),
        ConsumerCursor("orders.0", "payment", sent[3]),
    ]
    spans = [
        PendingSpan("orders.0", "payment", sent[0], sent[5]),
        PendingSpan("orders.0", "payment", sent[3], sent[3]),
        PendingSpan("orders.0", "audit", sent[0], sent[5]),
        PendingSpan("orders.0", "nobody", sent[0], sent[5]),
        PendingSpan("nothing", "payment", sent[0], sent[5]),
    ]
    whole, one, none, *gone = broker.pending(spans, 10)
    assert whole is not None
    assert [(line.position, line.process, line.tries) for line in whole] == [
        (sent[0], "p1", 1),
        (sent[2], "p2", 2),
        (sent[3], "p1", 1),
    ]
    assert all(0 <= line.idle_s < 60 for line in whole)
    assert [line.position for line in one or ()] == [sent[3]]
    assert (none, gone) == ([], [None, None])
    (cut,) = broker.pending(spans[:1], 2)
    assert [line.position for line in cut or ()] == [sent[0], sent[2]]
