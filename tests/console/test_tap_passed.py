"""Deliveries of consumers that send no receipts: inferred, marked so, and never in the way."""

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from brokers import config as configuration
from brokers import discovery
from brokers.config import Config
from brokers.redis_streams import RedisStreams
from console import tap_reading
from kit.models import User
from kit.permissions import Role
from kit.writes import writing
from tests.console.tap_world import World
from tracing import queries, store
from tracing.cascade import Delivery, DeliveryState, Evidence
from tracing.models import Cursor, Event, Flow, Passed, Receipt, Watch
from tracing.passed import Follower, follower
from tracing.summariser import summarise_all

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = timedelta()


@pytest.fixture(params=[False, True], ids=["observed", "tap"])
def world(
    request: pytest.FixtureRequest, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    monkeypatch.setattr(discovery, "REFRESH_S", 0.0)
    yield World(redis_url, tap=request.param)
    configuration.use(Config)


class Consumer:
    """A foreign one: a group that reads and acknowledges, and says nothing."""

    def __init__(self, world: World, name: str, stream: str = "orders.0") -> None:
        self._redis: Any = world.redis
        self._name, self._stream = name, stream
        self._redis.xgroup_create(stream, name, "0", mkstream=True)

    def take(self, count: int = 1_000, *, ack: bool = True) -> list[str]:
        """Read, and acknowledge."""
        reply = self._redis.xreadgroup(self._name, "p1", {self._stream: ">"}, count=count)
        positions = [at.decode() for _, items in reply or () for at, _ in items]
        if ack:
            self.ack(*positions)
        return positions

    def ack(self, *positions: str) -> None:
        """Acknowledge these."""
        if positions:
            self._redis.xack(self._stream, self._name, *positions)

    def again(self, *positions: str) -> None:
        """Take these up once more."""
        self._redis.xclaim(self._stream, self._name, "p2", 0, list(positions))


def told(consumer: str = "billing") -> dict[str, tuple[str, int]]:
    """Event ID -> outcome and attempt, as inferred of a consumer."""
    names = {bytes(row.identity): row.event_id for row in Event.objects.all()}
    found = Receipt.objects.filter(consumer=consumer, origin="inferred")
    return {names[bytes(row.identity)]: (row.outcome, row.attempt) for row in found}


def delivery(flow_id: str = "flow-1", consumer: str = "billing") -> Delivery:
    cascade = queries.cascade_of(flow_id)
    assert cascade is not None
    return next(one for one in cascade.deliveries if one.consumer == consumer)


def test_passed_pending_and_ahead(world: World) -> None:
    billing = Consumer(world, "billing")
    for number in range(4):
        world.event(f"e{number}")
    billing.ack(*billing.take(3, ack=False)[:2])
    world.tap().drain()
    assert told() == {"e0": ("handled", 1), "e1": ("handled", 1), "e2": ("started", 1)}
    assert delivery().evidence is Evidence.INFERRED
    row = Receipt.objects.get(outcome="started")
    assert (row.process, row.flow_id, row.stream) == ("p1", "flow-1", "orders.0")


def test_what_was_pending_is_handled_later_and_tries_are_counted(world: World) -> None:
    billing = Consumer(world, "billing")
    world.event("e0")
    (position,) = billing.take(ack=False)
    world.tap().drain()
    billing.again(position)
    world.tap().drain()
    assert told() == {"e0": ("started", 2)}
    running = delivery()
    assert (running.state, running.attempts[0].number) == (DeliveryState.RUNNING, 2)
    started_at = Receipt.objects.get().started_at
    summarise_all()
    billing.ack(position)
    world.tap().drain()
    assert told() == {"e0": ("handled", 2)}
    assert Flow.objects.get().dirty_since is not None
    assert Receipt.objects.get().started_at == started_at
    assert delivery().state is DeliveryState.HANDLED
    assert delivery().last_took_s is None


def test_one_that_lags_catches_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower, "PAGE", 7)
    monkeypatch.setattr(tap_reading, "BATCH", 5)
    slow, quick = Consumer(world, "billing"), Consumer(world, "audit")
    for number in range(60):
        world.event(f"e{number}")
    quick.take()
    world.tap().drain()
    assert (len(told()), len(told("audit"))) == (0, 60)
    for done in (1, 20, 33, 60):
        slow.take(done - len(told()))
        world.tap().drain()
        assert len(told()) == done
    assert set(told().values()) == {("handled", 1)}


def test_every_round_costs_what_is_new(world: World) -> None:
    billing = Consumer(world, "billing")
    world.event("e0")
    billing.take()
    tap = world.tap()
    tap.drain()
    looking = Follower(RedisStreams(world.config), "a")
    assert (looking.round(AT_ONCE), looking.more) == (0, False)
    world.event("e1")
    world.tap().drain()
    assert looking.round(AT_ONCE) == 0  # ahead
    mark = Passed.objects.get()
    assert mark.waits_at
    before = Receipt.objects.count()
    billing.take()
    assert looking.round(AT_ONCE) == 1
    assert Receipt.objects.count() == before + 1


def test_who_sends_receipts_is_not_inferred(world: World) -> None:
    payment, billing = Consumer(world, "payment"), Consumer(world, "billing")
    for number in range(3):
        world.event(f"e{number}")
    for consumer in (payment, billing):
        consumer.take()
    world.receipt("e1")
    world.tap().drain()
    assert (told("payment"), len(told())) == ({}, 3)


def test_a_receipt_that_comes_late_supersedes(world: World) -> None:
    payment = Consumer(world, "payment")
    world.event("e0")
    payment.take()
    world.tap().drain()
    assert told("payment") == {"e0": ("handled", 1)}
    world.receipt("e0", "dead_lettered")
    world.tap().drain()
    dead = delivery(consumer="payment")
    assert (dead.state, dead.evidence) == (DeliveryState.FAILED, Evidence.DELIVERY)
    assert [one.outcome for one in dead.attempts] == ["dead_lettered"]


def test_a_late_receipt_ends_the_guessing(world: World) -> None:
    payment = Consumer(world, "payment")
    world.event("e0")
    payment.take()
    tap = world.tap()
    tap.drain()  # the receipt comes by another way, some seconds later
    world.receipt("e0")
    world.event("e1")
    payment.take()
    tap.drain()
    assert told("payment") == {"e0": ("handled", 1)}


def test_a_letter_is_not_outweighed(world: World) -> None:
    payment = Consumer(world, "payment")
    position = world.event("e0")
    world.dead_letter(position)
    payment.take()  # who gives up acknowledges, too
    world.tap().drain()
    assert told("payment") == {"e0": ("handled", 1)}
    dead = delivery(consumer="payment")
    assert (dead.state, dead.letter_id is not None) == (DeliveryState.FAILED, True)
    client = Client()
    client.force_login(User.objects.create(username="v", role=Role.VIEWER.value))
    page = client.get(f"/dead-letters/{dead.letter_id}").content.decode()
    assert "Unknown what its attempts did: no receipts" in page


def test_the_order_of_arrival_does_not_matter(redis_url: str) -> None:
    world = World(redis_url, tap=False)
    dice = random.Random(4711)
    consumers = [Consumer(world, name) for name in ("a", "b", "c")]
    for number in range(40):
        world.event(f"e{number}")
    for consumer in consumers:
        consumer.take(dice.randrange(10, 40), ack=dice.random() < 0.5)
    world.tap().drain()
    whole = [told(name) for name in "abc"]
    Event.objects.all().delete()
    Receipt.objects.all().delete()
    Passed.objects.all().delete()
    Cursor.objects.all().delete()
    Watch.objects.all().delete()
    broker = RedisStreams(world.config)
    entries = broker.read_after({"orders.0": "0-0"}, 100, 0)
    dice.shuffle(entries)
    looking = Follower(broker, "a")
    looking.round(AT_ONCE)
    for entry in entries:
        with writing():
            store.take([store.seen(entry)], keys={})
        if dice.random() < 0.3:
            looking.round(AT_ONCE)
    looking.round(AT_ONCE)
    assert [told(name) for name in "abc"] == whole


def test_a_consumer_that_came_later_is_followed_from_then_on(world: World) -> None:
    Consumer(world, "billing").take()
    world.event("old")
    tap = world.tap()
    tap.drain()
    world.redis.xgroup_create("orders.0", "late", "$")
    tap.drain()
    world.event("new")
    late: Any = world.redis
    late.xreadgroup("late", "p", {"orders.0": ">"}, noack=True)
    tap.drain()
    assert told("late") == {"new": ("handled", 1)}


def test_of_a_copy_for_one_consumer_the_others_are_not_told(world: World) -> None:
    Consumer(world, "billing"), Consumer(world, "payment")
    world.event("e0", cascadetarget="payment")
    for name in ("billing", "payment"):
        reader: Any = world.redis
        reader.xreadgroup(name, "p", {"orders.0": ">"}, noack=True)
    world.tap().drain()
    assert (told(), told("payment")) == ({}, {"e0": ("handled", 1)})


def test_a_very_long_pending_list(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower, "PAGE", 4)
    monkeypatch.setattr(follower, "SPARE", 1)
    billing = Consumer(world, "billing")
    for number in range(30):
        world.event(f"e{number}")
    positions = billing.take(ack=False)
    billing.ack(*positions[::3])
    world.tap().drain()
    world.tap().drain()
    assert [told()[f"e{n}"][0] for n in range(30)] == [
        "started" if n % 3 else "handled" for n in range(30)
    ]


def test_a_group_that_is_gone_and_a_stream_made_anew(world: World) -> None:
    billing = Consumer(world, "billing")
    world.event("e0")
    billing.take(ack=False)
    tap = world.tap()
    tap.drain()
    world.redis.xgroup_destroy("orders.0", "billing")
    tap.drain()
    assert told() == {"e0": ("started", 1)}  # nobody says what became of it


def test_it_is_shown_as_inferred(world: World) -> None:
    billing = Consumer(world, "billing")
    world.event("e0")
    billing.take()
    world.tap().drain()
    summarise_all()
    client = Client()
    client.force_login(User.objects.create(username="v", role=Role.VIEWER.value))
    node = delivery().id
    page = client.get(f"/orders/flow-1?node={node}").content.decode()
    assert "handled, inferred" in page  # timeline
    assert "cursor and pending list: no receipt came" in page  # panel
    table = client.get(f"/orders/flow-1?node={node}&view=table").content.decode()
    assert "Handled, inferred" in table
    assert '<span class="how dash">inferred</span>' in table
    graph = client.get("/orders/flow-1?view=graph").content.decode()
    assert "s-2 dash" in graph
    document = client.get("/api/cascades/flow-1").json()
    assert [edge["evidence"] for edge in document["edges"]] == ["inferred"]
    (shown,) = [one for one in document["nodes"] if one["kind"] == "delivery"]
    assert (shown["state"], shown["evidence"]) == ("handled", "inferred")
    assert shown["attempts"][0]["duration_ms"] is None
