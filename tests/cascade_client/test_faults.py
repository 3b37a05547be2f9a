"""kill -9 of a consumer process and of Redis, in the worst moments."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from cascade_client import Envelope, TransportError, Work
from tests.cascade_client.world import STREAM, World, until
from tests.support.redis_server import RedisServer

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def victim(url: str, process: str, step: str = "") -> Iterator["subprocess.Popen[bytes]"]:
    """A consumer process; killed at the end at the latest."""
    command = [sys.executable, "-m", "tests.cascade_client.victim", url, process, step]
    child = subprocess.Popen(command, cwd=ROOT)
    try:
        yield child
    finally:
        child.kill()
        child.wait(30)


@pytest.mark.parametrize("step", ["handling", "commit"])
def test_a_killed_process_leaves_no_half_effect(world: World, redis_url: str, step: str) -> None:
    for number in (1, 2, 3):
        world.producer.publish("orders", "OrderPlaced", number)
    with victim(redis_url, "first", step) as first:
        until(lambda: world.redis.llen("reached"))
        with victim(redis_url, "second"):
            first.kill()
            until(lambda: len(world.receipts("succeeded")) == 3)
    assert world.redis.lrange("handled", 0, -1) == [
        b"first 1 1",  # its effect died with it
        b"second 1 2",
        b"second 2 1",
        b"second 3 1",
    ]
    assert world.events("payments.0") == [1, 2, 3]
    assert world.redis.hget("cascade:state:payment:sum", "body") == b'{"sum":6}'
    assert world.pending() == 0


def test_redis_dies_again_and_again(redis_server: RedisServer, world: World) -> None:
    total = 60
    handled: list[int] = []

    def handle(event: Envelope, work: Work) -> None:
        handled.append(event.data)
        work.publish("payments", "PaymentTaken", event.data)

    with world.running({"*": handle}):
        publisher = threading.Thread(target=publish_all, args=(world, total))
        publisher.start()
        for count in (10, 20, 30):
            until(partial(reached, handled, count))
            redis_server.restart()
        publisher.join()
        until(lambda: unless_away(world) == total, 60)
    assert world.events(STREAM) == list(range(total))
    assert world.events("payments.0") == list(range(total))
    assert [r["outcome"] for r in world.receipts()] == ["succeeded"] * total
    assert world.pending() == 0


def reached(handled: list[int], count: int) -> bool:
    """Whether so many were handled."""
    return len(handled) >= count


def publish_all(world: World, total: int) -> None:
    """Each of them, as often as it takes to hear that it arrived."""
    pause = threading.Event()
    for number in range(total):
        event = world.producer.prepare("OrderPlaced", number)
        while True:
            try:
                world.producer.send("orders", event)
                break
            except TransportError:
                pause.wait(0.05)
        pause.wait(0.01)


def unless_away(world: World) -> int:
    """How many receipts there are; 0 while the server is away."""
    try:
        return int(world.redis.xlen("cascade.receipts"))
    except RedisError:
        return 0


def test_a_server_that_lost_everything_is_served_again(world: World) -> None:
    with world.running({"*": lambda event, work: None}):
        world.producer.publish("orders", "OrderPlaced", 1)
        until(lambda: world.receipts("succeeded"))
        world.redis.flushall()
        world.producer.publish("orders", "OrderPlaced", 2)
        until(lambda: world.receipts("succeeded"))
    assert world.pending() == 0
