"""What becomes of an event, on a real Redis."""

import json
import threading
from typing import Any

import pytest
from redis import Redis

from cascade_client import Envelope, Permanent, RedisTransport, Work, fields
from tests.cascade_client.world import QUEUE, STREAM, World, until


def charge(event: Envelope, work: Work) -> None:
    """Publishes what was paid."""
    work.publish("payments", "PaymentTaken", {"order_id": event.data["order_id"]})


def fail(event: Envelope, work: Work) -> None:
    """Publishes, and fails nevertheless."""
    charge(event, work)
    raise KeyError("currency")


def test_effect_receipt_and_acknowledgement(world: World) -> None:
    placed = world.producer.publish("orders", "OrderPlaced", {"order_id": 7}, key="order:7")
    with world.running({"OrderPlaced": charge}):
        until(lambda: world.receipts("succeeded"))
    (_, paid) = world.redis.xrange("payments.0")[0]
    assert paid[b"ce-correlationid"].decode() == placed.correlation_id
    assert paid[b"ce-causationid"].decode() == placed.id
    assert paid[b"ce-partitionkey"] == b"order:7"
    (receipt,) = world.receipts()
    assert receipt["event_id"] == placed.id
    assert receipt["attempt"] == 1
    assert receipt["process"] == "p1"
    assert receipt["replay_attempt"] is None
    assert receipt["events"] == [{"source": "/shop/payment", "id": paid[b"ce-id"].decode()}]
    assert world.pending() == 0


def test_the_trace_goes_on(world: World) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    entry = {"ce-id": "1", "ce-source": "/s", "ce-type": "OrderPlaced", "ce-traceparent": trace}
    world.redis.xadd(STREAM, {**entry, "data": '{"order_id":1}'})
    with world.running({"OrderPlaced": charge}):
        until(lambda: world.receipts("succeeded"))
    (_, paid) = world.redis.xrange("payments.0")[0]
    assert paid[b"ce-traceparent"].decode() == trace
    assert paid[b"ce-correlationid"] == b"0af7651916cd43dd8448eb211c80319c"


def test_the_same_publish_twice_is_one_entry(world: World) -> None:
    event = world.producer.prepare("OrderPlaced", {})
    assert world.producer.send("orders", event) == world.producer.send("orders", event)
    assert world.redis.xlen(STREAM) == 1


def test_order_inside_a_stream_holds_even_when_one_fails(world: World) -> None:
    seen: list[int] = []

    def note(event: Envelope, work: Work) -> None:
        if event.data == 5 and work.attempt < 3:
            raise RuntimeError("not yet")
        seen.append(event.data)

    for number in range(20):
        world.producer.publish("orders", "OrderPlaced", number, key="order:1")
    with world.running({"*": note}):
        until(lambda: len(seen) == 20)
    assert seen == list(range(20))
    assert [r["attempt"] for r in world.receipts("retrying")] == [1, 2]
    assert all(r["retry_in_ms"] > 0 for r in world.receipts("retrying"))
    assert [r["attempt"] for r in world.receipts("succeeded")].count(3) == 1


def test_a_dead_letter_is_the_entry_byte_for_byte(world: World) -> None:
    original = [
        *(b"zeta", b"1", b"data", b'{"order_id": 7,\n "bytes": "\\u0000"}', b"zeta", b"2"),
        *(b"ce-type", b"OrderPlaced", b"raw", b"\xff\x00\r\n", b"ce-id", b"7"),
        *(b"ce-source", b"/s", b"cascadeattempt", b"9:1"),
    ]
    position = world.redis.execute_command("XADD", STREAM, "*", *original)
    with world.running({"OrderPlaced": fail}):
        until(lambda: world.receipts("dead_lettered"))
    # no redis-py here: it makes a mapping of the fields, and order and repeats are lost
    (flat,) = (world.redis.eval(f"return redis.call('XRANGE', '{QUEUE}', '-', '+')[1][2]", 0),)
    assert flat[: len(original)] == original
    stamps = dict(zip(flat[len(original) :: 2], flat[len(original) + 1 :: 2], strict=True))
    assert list(stamps) == [name.encode() for name in fields.DEAD_LETTER_FIELDS]
    assert stamps[b"dead-letter-position"] == position
    assert stamps[b"dead-letter-attempts"] == b"3"
    assert stamps[b"dead-letter-reason"] == b"attempts"
    assert stamps[b"dead-letter-error-type"] == b"KeyError"
    assert b"in fail" in stamps[b"dead-letter-error-stack"]
    assert world.pending() == 0
    assert world.redis.xlen("payments.0") == 0
    (receipt,) = world.receipts("dead_lettered")
    assert receipt["replay_attempt"] == "9:1"
    assert receipt["error"]["message"] == "'currency'"


def test_permanent_is_not_tried_again(world: World) -> None:
    def refuse(event: Envelope, work: Work) -> None:
        raise Permanent("no such customer")

    world.producer.publish("orders", "OrderPlaced", {})
    with world.running({"OrderPlaced": refuse}):
        until(lambda: world.receipts("dead_lettered"))
    assert world.receipts("retrying") == []
    assert world.redis.xrange(QUEUE)[0][1][b"dead-letter-reason"] == b"permanent"


def test_a_poison_message_is_dead_lettered_and_not_in_the_way(world: World) -> None:
    world.redis.xadd(STREAM, {"data": "<html>502</html>", "content-type": "text/html"})
    world.redis.xadd(STREAM, {"data": "<html>502</html>"})
    world.producer.publish("orders", "OrderPlaced", {"order_id": 1})
    with world.running({"OrderPlaced": charge}):
        until(lambda: world.receipts("succeeded"))
    letters = [entry for _, entry in world.redis.xrange(QUEUE)]
    assert {letter[b"dead-letter-reason"] for letter in letters} == {b"malformed"}
    assert letters[1][b"dead-letter-error-type"] == b"NotJson"
    assert letters[1][b"dead-letter-error-message"] == b"byte 0x3c at position 0"


def test_an_event_has_its_effect_once(world: World) -> None:
    event = {"ce-id": "1", "ce-source": "/s", "ce-type": "OrderPlaced", "data": '{"order_id":1}'}
    for _ in range(3):
        world.redis.xadd(STREAM, event)
    with world.running({"OrderPlaced": charge}):
        until(lambda: len(world.receipts("skipped")) == 2)
    assert world.redis.xlen("payments.0") == 1
    assert len(world.receipts("succeeded")) == 1


def test_a_replay_of_what_did_not_succeed_is_handled(world: World) -> None:
    event = {"ce-id": "1", "ce-source": "/s", "ce-type": "OrderPlaced", "data": '{"order_id":1}'}
    world.redis.xadd(STREAM, event)
    with world.running({"OrderPlaced": fail}):
        until(lambda: world.receipts("dead_lettered"))
    world.redis.xadd(STREAM, {**event, "cascadeattempt": "3:1", "cascadetarget": "payment"})
    with world.running({"OrderPlaced": charge}):
        (receipt,) = until(lambda: world.receipts("succeeded"))
    assert receipt["replay_attempt"] == "3:1"
    assert not [name for name in world.redis.xrange("payments.0")[0][1] if b"cascade" in name]


def test_a_mark_for_another_consumer_is_acknowledged_without_a_trace(world: World) -> None:
    event = {"ce-id": "1", "ce-source": "/s", "ce-type": "OrderPlaced", "data": "{}"}
    world.redis.xadd(STREAM, {**event, "cascadetarget": "analytics", "cascadeattempt": "3:1"})
    world.producer.publish("orders", "OrderPlaced", {"order_id": 2})
    with world.running({"OrderPlaced": charge}):
        until(lambda: world.receipts("succeeded"))
    assert len(world.receipts()) == 1
    assert world.pending() == 0


def test_a_type_nobody_handles_is_acknowledged(world: World) -> None:
    world.producer.publish("orders", "OrderCancelled", {})
    world.producer.publish("orders", "OrderPlaced", {"order_id": 2})
    with world.running({"OrderPlaced": charge}):
        until(lambda: world.receipts("succeeded"))
    assert len(world.receipts()) == 1
    assert world.pending() == 0


def test_long_handling_says_that_it_started(world: World) -> None:
    release = threading.Event()
    idle_ms: list[int] = []

    def wait(event: Envelope, work: Work) -> None:
        release.wait(30)

    world.producer.publish("orders", "OrderPlaced", {})
    with world.running({"OrderPlaced": wait}):
        until(lambda: world.receipts("started"))
        until(lambda: fell(idle_ms, world.in_hand()["time_since_delivered"]))
        assert world.in_hand()["times_delivered"] == 1  # extending it is no try
        release.set()
        until(lambda: world.receipts("succeeded"))
    assert len(world.receipts("started")) == 1


def fell(readings: list[int], value: int) -> bool:
    """Whether this reading is below an earlier one."""
    readings.append(value)
    return value < max(readings)


def test_a_document_that_changed_under_the_handler_runs_it_again(world: World) -> None:
    runs: list[int] = []

    def join(event: Envelope, work: Work) -> None:
        seen = (work.read("order:1") or {"seen": []})["seen"]
        if not runs:  # another partition gets ahead of this commit
            body = json.dumps({"seen": ["stock"]})
            world.redis.hset("cascade:state:payment:order:1", mapping={"version": 1, "body": body})
        runs.append(work.attempt)
        work.write("order:1", {"seen": [*seen, event.type]})

    world.producer.publish("orders", "OrderPlaced", {})
    with world.running({"OrderPlaced": join}):
        until(lambda: world.receipts("succeeded"))
    assert runs == [1, 1]  # no try was counted
    stored: Any = world.redis.hgetall("cascade:state:payment:order:1")
    assert json.loads(stored[b"body"]) == {"seen": ["stock", "OrderPlaced"]}
    assert stored[b"version"] == b"2"


def test_a_document_reads_as_written_and_may_be_forgotten(world: World) -> None:
    read: list[object] = []

    def note(event: Envelope, work: Work) -> None:
        work.write("seen", {"type": event.type}, keep_s=600)
        read.append(work.read("seen"))
        work.publish("payments", "Noted", work.read("seen"))

    world.producer.publish("orders", "OrderPlaced", {})
    with world.running({"*": note}):
        until(lambda: world.receipts("succeeded"))
    assert read == [{"type": "OrderPlaced"}]
    assert 0 < world.redis.pttl("cascade:state:payment:seen") <= 600_000
    assert world.events("payments.0") == read


def test_a_large_cascade_of_one_event_is_one_step(world: World) -> None:
    def fan_out(event: Envelope, work: Work) -> None:
        for number in range(500):
            work.publish("payments", "Part", number)

    world.producer.publish("orders", "OrderPlaced", {})
    with world.running({"*": fan_out}):
        (receipt,) = until(lambda: world.receipts("succeeded"))
    assert world.events("payments.0") == list(range(500))
    assert len(receipt["events"]) == 500


def test_a_client_that_decodes_is_refused(redis_url: str) -> None:
    with pytest.raises(ValueError, match="decode_responses"):
        RedisTransport(Redis.from_url(redis_url, decode_responses=True))


def test_several_causes(world: World) -> None:
    def ship(event: Envelope, work: Work) -> None:
        work.publish("shipments", "OrderShipped", {}, causes=["paid-1", event.id])

    placed = world.producer.publish("orders", "StockReserved", {})
    with world.running({"StockReserved": ship}):
        until(lambda: world.receipts("succeeded"))
    (_, shipped) = world.redis.xrange("shipments.0")[0]
    assert shipped[b"ce-causationids"].decode() == f"{placed.id},paid-1"
