"""Entries left pending, by dead processes or by an operator, on a real Redis."""

import itertools
import threading

from cascade_client import Envelope, Work
from tests.cascade_client.world import QUICK, STREAM, World, until


def handle(event: Envelope, work: Work) -> None:
    """Fails until the fix is there."""
    if not work.read("fixed"):
        raise KeyError("currency")


def test_a_repended_entry_is_handled_while_new_ones_flow(world: World) -> None:
    dead = world.producer.publish("orders", "OrderPlaced", 0)
    (position, _) = world.redis.xrange(STREAM)[0]
    stop = threading.Event()

    def flow() -> None:
        for number in itertools.count(1):
            if stop.wait(0.005):
                return
            world.producer.publish("orders", "Noise", number)

    noise = threading.Thread(target=flow)
    with world.running({"OrderPlaced": handle, "Noise": lambda event, work: None}):
        until(lambda: world.receipts("dead_lettered"))
        noise.start()
        world.redis.hset("cascade:state:payment:fixed", mapping={"version": 1, "body": "{}"})
        world.redis.hset("cascade:state:payment:fixed", "body", '{"yes":true}')
        field = f"{STREAM}|{position.decode()}|payment"
        world.redis.hset("cascade:replays", field, "12:1")
        world.redis.xclaim(
            STREAM, "payment", "gone", 0, [position], idle=3_600_000, retrycount=0, force=True
        )
        (receipt,) = until(
            lambda: [r for r in world.receipts("succeeded") if r["event_id"] == dead.id], 5
        )
        stop.set()
        noise.join()
    assert receipt["replay_attempt"] == "12:1"
    assert receipt["attempt"] == 1
    assert world.redis.hexists("cascade:replays", field) is False


def test_a_replay_that_is_retried_keeps_its_attempt_until_the_end(world: World) -> None:
    world.producer.publish("orders", "OrderPlaced", 0)
    (position, _) = world.redis.xrange(STREAM)[0]
    with world.running({"OrderPlaced": handle}):
        until(lambda: world.receipts("dead_lettered"))
        world.redis.hset("cascade:replays", f"{STREAM}|{position.decode()}|payment", "12:1")
        world.redis.xclaim(
            STREAM, "payment", "p9", 0, [position], idle=3_600_000, retrycount=0, force=True
        )
        until(lambda: len(world.receipts("dead_lettered")) == 2)
    again = world.receipts()[-QUICK.attempts :]
    assert [r["replay_attempt"] for r in again] == ["12:1"] * 3
    assert [r["attempt"] for r in again] == [1, 2, 3]
    assert world.redis.hlen("cascade:replays") == 0


def test_what_a_dead_process_left_is_taken_first_and_its_tries_count(world: World) -> None:
    for number in range(3):
        world.producer.publish("orders", "OrderPlaced", number)
    world.transport.prepare(STREAM, "payment")
    world.redis.xreadgroup("payment", "dead", {STREAM: ">"}, count=1)
    seen: list[tuple[int, int]] = []
    with world.running(
        {"OrderPlaced": lambda event, work: seen.append((event.data, work.attempt))}
    ):
        until(lambda: len(world.receipts("succeeded")) == 3)
    assert seen == [(0, 2), (1, 1), (2, 1)]


def test_an_entry_that_ends_every_process_is_dead_lettered(world: World) -> None:
    world.producer.publish("orders", "OrderPlaced", 0)
    (position, _) = world.redis.xrange(STREAM)[0]
    world.transport.prepare(STREAM, "payment")
    world.redis.xreadgroup("payment", "dead", {STREAM: ">"}, count=1)
    world.redis.xclaim(STREAM, "payment", "dead", 0, [position], retrycount=QUICK.attempts)
    with world.running({"OrderPlaced": lambda event, work: None}):
        (receipt,) = until(lambda: world.receipts("dead_lettered"))
    assert receipt["error"]["type"] == "ProcessLost"
    assert world.receipts("succeeded") == []


def test_a_lost_payload_is_reported_and_acknowledged(world: World) -> None:
    world.producer.publish("orders", "OrderPlaced", 0)
    world.transport.prepare(STREAM, "payment")
    ((_, [(position, _)]),) = world.redis.xreadgroup("payment", "dead", {STREAM: ">"}, count=1)
    world.redis.xdel(STREAM, position)
    with world.running({"*": lambda event, work: None}):
        (receipt,) = until(lambda: world.receipts("failed"))
    assert receipt["error"]["type"] == "PayloadLost"
    assert receipt["position"] == position.decode()
    assert world.pending() == 0


def test_the_signs_are_shown(world: World) -> None:
    with world.running({}):
        until(lambda: world.redis.hget("cascade:reclaims", f"{STREAM}|payment"))
        until(lambda: world.redis.hget("cascade:honours-mark", "payment"))
        first = int(world.redis.hget("cascade:honours-mark", "payment"))
        until(lambda: int(world.redis.hget("cascade:honours-mark", "payment")) > first)
    assert first > 1_700_000_000_000
