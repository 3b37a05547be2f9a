"""Dead letters of other frameworks, from their queue to their consumer again, on a real Redis."""

from typing import Any

import pytest
from redis import Redis

from brokers import config as configuration
from brokers.config import BrokerConfig, Config, ConsumerConfig
from brokers.connect import connect
from brokers.contract import Entry
from dlq import classes, control, engine, intake, plan, targets
from dlq.filters import LetterFilter
from dlq.models import Item, Letter
from kit.writes import writing
from tests.dlq.rows import NOW

pytestmark = pytest.mark.django_db(transaction=True)
BODY = b'{"order_id": "4711"}'
POISONED = {
    "_watermill_message_uuid": "u-1",
    "reason_poisoned": "no currency",
    "topic_poisoned": "orders",
    "handler_poisoned": "payment",
    "subscriber_poisoned": "redisstream.Subscriber",
}


@pytest.fixture
def shop(redis_url: str) -> Redis:
    """A broker whose payment reads `orders`; analytics passes a mark by."""
    config = Config(
        brokers=(BrokerConfig("shop", redis_url, tap=True, replay=True),),
        consumers={"analytics": ConsumerConfig(honours_mark=True)},
    )
    configuration.use(lambda: config)
    connect.cache_clear()
    client = Redis.from_url(redis_url)
    for consumer in ("payment", "analytics"):
        client.xgroup_create("orders", consumer, "0", mkstream=True)
    return client


def _taken(client: Redis, queue: str, fields: dict[str, str]) -> Letter:
    position: Any = client.xadd(queue, {**dict[Any, Any](fields), "data": BODY})
    entry = connect("shop").entry(queue, position.decode())
    assert isinstance(entry, Entry)
    with writing():
        intake.take([entry])
    return Letter.objects.get()


def test_a_foreign_letter_says_why_it_is_dead(shop: Redis) -> None:
    letter = _taken(shop, "orders.poison.dlq", POISONED)

    assert (letter.dialect, letter.consumer, letter.stream) == ("watermill", "payment", "orders")
    assert letter.position == ""
    assert letter.evidence == "reason_poisoned: no currency"
    assert letter.headers == {"_watermill_message_uuid": "u-1"}
    assert letter.marks == sorted(set(POISONED) - {"_watermill_message_uuid"})


def test_its_marks_are_left_off_when_it_is_sent_again(shop: Redis) -> None:
    _taken(shop, "orders.poison.dlq", POISONED)
    replay = plan.freeze(LetterFilter(state="dead"), actor="ana", user=None, reason="fixed")
    while not classes.classify(replay.pk):
        pass
    control.start(replay, actor="ana", user=None)
    engine.pump(1.0)

    assert Item.objects.get().state == "sent"
    ((_, fields),) = shop.xrange("orders") or []
    assert fields == {
        b"cascadeattempt": Item.objects.get().attempt.encode(),
        b"cascadetarget": b"payment",
        b"_watermill_message_uuid": b"u-1",
        b"data": BODY,
    }
    assert shop.xlen("orders.poison.dlq") == 0


def test_without_a_consumer_there_is_no_way_to_send_it(shop: Redis) -> None:
    letter = _taken(shop, "graveyard.dlq", {"tenant": "north"})

    assert (letter.dialect, letter.evidence, letter.marks) == ("", "", [])
    kind = targets.Kind("shop", "orders", False, "orders", "", False)
    route = targets.Routes().of(kind)
    assert route.targets == ()
    assert "which consumer" in route.why
    assert letter.died_at > NOW
