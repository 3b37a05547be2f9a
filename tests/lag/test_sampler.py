"""Rounds of sampling on a real Redis and the real database."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from brokers.config import BrokerConfig
from brokers.redis_streams import RedisStreams
from kit import clock
from lag import queries, sampler, store
from lag.models import Depth, Position, Sample, Snapshot, Standing, Stream
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.django_db(transaction=True)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = clock.now()

    def now(self) -> datetime:
        return self.at

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def clock_(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(clock, "now", made.now)
    return made


@pytest.fixture
def client(redis_server: RedisServer, redis_url: str) -> Any:
    return redis_server.client()


@pytest.fixture
def broker(redis_url: str) -> Iterator[RedisStreams]:
    broker = RedisStreams(BrokerConfig(name="shop", url=redis_url))
    yield broker
    broker.close()


def fill(client: Any, stream: str, count: int) -> None:
    for _ in range(count):
        client.xadd(stream, {"data": b"{}"})


def take(client: Any, stream: str, count: int) -> None:
    for _, items in client.xreadgroup("payment", "p1", {stream: ">"}, count=count):
        client.xack(stream, "payment", *[position for position, _ in items])


def only() -> Standing:
    return Standing.objects.get()


def test_a_round_sums_partitions_to_one_standing(
    broker: RedisStreams, client: Any, clock_: Clock
) -> None:
    for number, count in enumerate((3, 4, 5)):
        fill(client, f"orders.{number}", count)
        client.xgroup_create(f"orders.{number}", "payment", "0")
    fill(client, "orders.payment.dlq", 2)
    assert sampler.sample(broker)
    row = only()
    assert (row.topic, row.consumer, row.messages, row.streams) == ("orders", "payment", 12, 3)
    assert Position.objects.count() == 3
    assert Stream.objects.count() == 4
    assert Depth.objects.get().messages == 2
    assert Snapshot.objects.get().error == ""
    assert queries.positions().count() == 3


def test_rates_come_from_two_rounds(broker: RedisStreams, client: Any, clock_: Clock) -> None:
    fill(client, "orders.0", 1)
    client.xgroup_create("orders.0", "payment", "0")
    for _ in range(4):
        sampler.sample(broker)
        clock_.forward(20)
        fill(client, "orders.0", 10)
        take(client, "orders.0", 5)
    sampler.sample(broker)
    row = only()
    assert row.in_per_min == pytest.approx(30)
    assert row.out_per_min == pytest.approx(15)
    assert Sample.objects.count() == 5


def test_two_samplers_at_once_make_one_round(
    broker: RedisStreams, client: Any, clock_: Clock
) -> None:
    fill(client, "orders.0", 1)
    client.xgroup_create("orders.0", "payment", "0")
    assert sampler.sample(broker)
    assert not sampler.sample(broker)
    clock_.forward(5)
    assert sampler.sample(broker)
    assert Sample.objects.count() == 2


def test_a_broker_that_does_not_answer_keeps_its_numbers(
    client: Any, broker: RedisStreams, clock_: Clock
) -> None:
    fill(client, "orders.0", 4)
    client.xgroup_create("orders.0", "payment", "0")
    sampler.sample(broker)
    clock_.forward(5)
    silent = RedisStreams(BrokerConfig(name="shop", url="redis://127.0.0.1:1/0"))
    assert sampler.sample(silent)
    snapshot = Snapshot.objects.get()
    assert snapshot.error == "Redis cannot be reached"
    assert snapshot.failing_since == clock_.at
    assert only().messages == 4
    clock_.forward(5)
    sampler.sample(silent)
    assert Snapshot.objects.get().failing_since == snapshot.failing_since
    clock_.forward(5)
    sampler.sample(broker)
    assert Snapshot.objects.get().failing_since is None


def test_a_group_that_left_is_gone_and_keeps_its_numbers(
    broker: RedisStreams, client: Any, clock_: Clock
) -> None:
    fill(client, "orders.0", 4)
    client.xgroup_create("orders.0", "payment", "0")
    sampler.sample(broker)
    client.xgroup_destroy("orders.0", "payment")
    clock_.forward(5)
    sampler.sample(broker)
    row = only()
    assert (row.verdict, row.messages) == ("gone", 4)
    assert queries.positions().count() == 0
    clock_.forward(timedelta(days=1, minutes=1).total_seconds())
    sampler.sample(broker)
    assert Standing.objects.count() == 0


def test_a_cursor_set_back_is_rewound_until_it_is_level(
    broker: RedisStreams, client: Any, clock_: Clock
) -> None:
    fill(client, "orders.0", 4)
    client.xgroup_create("orders.0", "payment", "0")
    take(client, "orders.0", 4)
    sampler.sample(broker)
    client.xgroup_setid("orders.0", "payment", "0")
    for _ in range(3):
        clock_.forward(5)
        sampler.sample(broker)
        assert only().verdict == "rewound"
    take(client, "orders.0", 4)
    clock_.forward(5)
    sampler.sample(broker)
    assert only().verdict == "ok"


def test_trimmed_unread_is_counted_by_watching(
    broker: RedisStreams, client: Any, clock_: Clock
) -> None:
    fill(client, "orders.0", 10)
    client.xgroup_create("orders.0", "payment", "0")
    take(client, "orders.0", 2)
    sampler.sample(broker)
    fill(client, "orders.0", 2)
    clock_.forward(5)
    sampler.sample(broker)
    client.xtrim("orders.0", maxlen=3, approximate=False)
    clock_.forward(5)
    sampler.sample(broker)
    row = only()
    assert (row.messages, row.lost) == (3, 7)


def test_samples_are_thinned_and_pruned_in_bounded_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    now = clock.now()
    old = [
        Sample(
            broker="shop",
            topic="orders",
            consumer="payment",
            at=now - timedelta(hours=2, seconds=5 * number),
            minute=number % 12 == 0,
        )
        for number in range(240)
    ]
    Sample.objects.bulk_create(old)
    Sample.objects.create(
        broker="shop", topic="orders", consumer="payment", at=now - timedelta(days=2), minute=True
    )
    monkeypatch.setattr(store, "PRUNED_A_ROUND", 200)
    store.prune("shop", now)
    assert Sample.objects.filter(minute=False).count() == 20
    store.prune("shop", now)
    assert Sample.objects.filter(minute=False).count() == 0
    assert Sample.objects.filter(minute=True).count() == 20


def test_history_is_of_one_topic_or_of_all(
    broker: RedisStreams, client: Any, clock_: Clock
) -> None:
    began = clock_.at
    for stream in ("orders.0", "stock.0"):
        fill(client, stream, 1)
        client.xgroup_create(stream, "payment", "0")
    for _ in range(12):
        fill(client, "orders.0", 2)
        sampler.sample(broker)
        clock_.forward(5)
    points = queries.history("payment", began, 4, topic="orders")
    assert [point.messages for point in points] == [7, 13, 19, 25]
    assert points[-1].in_per_min == pytest.approx(24)
    both = queries.history("payment", began, 4)
    assert [point.messages for point in both] == [8, 14, 20, 26]


def test_trouble_is_counted_once_a_consumer() -> None:
    now = clock.now()
    for topic, verdict in (("orders", "stalled"), ("stock", "stopped"), ("payments", "ok")):
        Standing.objects.create(
            broker="shop",
            topic=topic,
            consumer="payment",
            sampled_at=now,
            verdict=verdict,
            since=now,
            moved_at=now,
            method="exact",
        )
    assert queries.trouble_count() == 1
    assert [row.verdict for row in queries.standings()] == ["stalled", "stopped", "ok"]
    assert len(queries.troubled()) == 2
