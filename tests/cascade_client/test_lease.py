"""Ownership of partitions: fences, shares, and what a late owner cannot do any more."""

import threading
import time

import pytest

from cascade_client import Envelope, Fenced, Work
from cascade_client.transport import Lease, Outcome, Taken
from tests.cascade_client.world import QUEUE, STREAM, World, until


def lease_of(world: World, process: str) -> Lease:
    """The lease of the stream, which must be free."""
    lease = world.transport.acquire(STREAM, "payment", process, 60)
    assert lease is not None
    return lease


def test_one_owner_at_a_time(world: World) -> None:
    first = lease_of(world, "a")
    assert world.transport.acquire(STREAM, "payment", "b", 60) is None
    world.transport.release(first)
    second = lease_of(world, "b")
    assert int(second.token) > int(first.token)


def test_a_lapsed_lease_nobody_took_is_kept(world: World) -> None:
    lease = lease_of(world, "a")
    world.redis.delete(f"cascade:lease:{STREAM}|payment")
    assert world.transport.renew(lease, 60) is True
    assert world.transport.acquire(STREAM, "payment", "b", 60) is None


def test_a_fenced_owner_commits_nothing(world: World) -> None:
    event = world.producer.publish("orders", "OrderPlaced", {})
    world.transport.prepare(STREAM, "payment")
    late = lease_of(world, "a")
    taken = world.transport.take(late)
    assert isinstance(taken, Taken)
    world.redis.delete(f"cascade:lease:{STREAM}|payment")  # it lapsed while the process slept
    lease_of(world, "b")
    outcome = Outcome(taken.position, b"x" * 16, events=[("payments", event)])
    with pytest.raises(Fenced):
        world.transport.commit(late, outcome)
    with pytest.raises(Fenced):
        world.transport.dead_letter(late, taken.position, [(b"a", b"b")], [(b"a", b"b")])
    with pytest.raises(Fenced):
        world.transport.take(late)
    assert world.transport.renew(late, 60) is False
    assert world.redis.exists("payments.0", QUEUE, "cascade.receipts") == 0
    assert world.pending() == 1


def test_a_commit_whose_answer_got_lost_is_done_once(world: World) -> None:
    event = world.producer.publish("orders", "OrderPlaced", {})
    world.transport.prepare(STREAM, "payment")
    lease = lease_of(world, "a")
    taken = world.transport.take(lease)
    assert isinstance(taken, Taken)
    outcome = Outcome(taken.position, b"x" * 16, events=[("payments", event)])
    assert world.transport.commit(lease, outcome) == "done"
    assert world.transport.commit(lease, outcome) == "done"
    assert world.redis.xlen("payments.0") == 1
    assert world.transport.dead_letter(lease, taken.position, [(b"a", b"b")], []) is None


def test_an_event_handled_elsewhere_meanwhile_is_not_committed(world: World) -> None:
    event = world.producer.publish("orders", "OrderPlaced", {})
    world.redis.xadd(STREAM, {"ce-id": "the same"})
    world.transport.prepare(STREAM, "payment")
    lease = lease_of(world, "a")
    for expected in ("done", "seen"):
        taken = world.transport.take(lease)
        assert isinstance(taken, Taken)
        outcome = Outcome(taken.position, b"x" * 16, events=[("payments", event)])
        assert world.transport.commit(lease, outcome) == expected
        world.redis.xack(STREAM, "payment", taken.position)
    assert world.redis.xlen("payments.0") == 1


def test_a_second_process_gets_its_share_and_gives_it_back(world: World) -> None:
    seen: dict[str, list[int]] = {"p1": [], "p2": []}

    def note(process: str) -> dict[str, object]:
        def handle(event: Envelope, work: Work) -> None:
            seen[process].append(event.data)

        return {"*": handle}

    def publish(start: int) -> None:
        for number in range(start, start + 10):
            world.producer.publish(topics[number % 2], "T", number)

    topics = ["a", "b"]
    with world.running(note("p1"), topics=topics, process="p1"):  # type: ignore[arg-type]
        publish(0)
        until(lambda: len(seen["p1"]) == 10)
        with world.running(note("p2"), topics=topics, process="p2"):  # type: ignore[arg-type]
            until(lambda: len(owners(world, topics)) == 2)
            publish(10)
            until(lambda: len(seen["p1"]) + len(seen["p2"]) == 20)
            assert len(seen["p2"]) == 5
        until(lambda: owners(world, topics) == {b"p1"})
        publish(20)
        until(lambda: len(seen["p1"]) == 25)
    assert world.redis.exists(*(f"cascade:lease:{topic}.0|payment" for topic in topics)) == 0
    assert world.redis.xinfo_consumers("a.0", "payment") == []


def owners(world: World, topics: list[str]) -> set[bytes]:
    """The processes that hold a lease."""
    held = [world.redis.get(f"cascade:lease:{topic}.0|payment") for topic in topics]
    return {value.split(b" ")[1] for value in held if value}


def test_a_graceful_stop_finishes_what_is_in_hand(world: World) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(event: Envelope, work: Work) -> None:
        begun.set()
        go_on.wait(30)

    world.producer.publish("orders", "OrderPlaced", 1)
    world.producer.publish("orders", "OrderPlaced", 2)
    stop = threading.Event()
    consumer = world.consumer({"*": slow})
    thread = threading.Thread(target=consumer.run, args=(stop,))
    thread.start()
    assert begun.wait(30)
    stop.set()
    time.sleep(1)  # until the partition's own thread has heard of it
    go_on.set()
    thread.join(30)
    assert len(world.receipts("succeeded")) == 1
    assert world.pending() == 0
