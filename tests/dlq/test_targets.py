"""Which way a letter goes back, and who else would see it."""

import pytest

from brokers.config import ConsumerConfig
from brokers.contract import Target
from dlq.models import Item
from dlq.refusals import Refused
from dlq.targets import Kind, Route, Routes
from tests.dlq.scene import Scene, observing, pump, run
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.django_db


def route(*, edited: bool = False, stream: str = "orders.0") -> Route:
    return Routes().of(Kind("shop", stream, True, "orders", "payment", edited))


def scene_of(server: RedisServer, *others: str) -> Scene:
    return Scene(server, others=others)


def test_the_original_first_where_the_consumer_reclaims(shop: Scene) -> None:
    assert route().targets == (Target.MARK,)
    shop.reclaims()
    assert route().targets == (Target.REPEND, Target.MARK)
    assert route(edited=True).targets == (Target.MARK,)


def test_an_old_sign_is_no_sign(shop: Scene) -> None:
    shop.reclaims()
    field = "orders.0|payment"
    old = int(shop.redis.hget("cascade:reclaims", field)) - 31_000
    shop.redis.hset("cascade:reclaims", field, old)
    assert route().targets == (Target.MARK,)


def test_a_mark_only_when_every_other_consumer_passes_it_by(
    redis_server: RedisServer, redis_url: str
) -> None:
    with observing(redis_url):
        shop = scene_of(redis_server, "inventory", "analytics", "console-tap")
        shop.honours("inventory")
        found = route()
        assert (found.targets, found.others) == ((Target.TOPIC,), ("analytics",))
        assert found.needs_acceptance
        assert "analytics" in found.why
        shop.honours("analytics")
        assert route().targets == (Target.MARK,)
        assert not route().needs_acceptance


def test_the_configuration_knows_better_than_the_signs(
    redis_server: RedisServer, redis_url: str
) -> None:
    honest, deaf = ConsumerConfig(honours_mark=True), ConsumerConfig(honours_mark=False)
    with observing(redis_url, inventory=honest, analytics=deaf):
        shop = scene_of(redis_server, "inventory", "analytics")
        shop.honours("analytics")
        assert route().others == ("analytics",)


def test_the_consumers_own_retry_queue(redis_server: RedisServer, redis_url: str) -> None:
    with observing(redis_url, payment=ConsumerConfig(retry_stream="payment.retry")):
        shop = scene_of(redis_server, "inventory")
        shop.die(1)
        assert route().targets == (Target.RETRY,)
        shop.reclaims()
        assert route().targets == (Target.REPEND, Target.RETRY)
        shop.redis.delete("cascade:reclaims")
        run(*shop.letters())
        pump()
        assert shop.redis.xlen("payment.retry") == 1
        assert Item.objects.get().sent_stream == "payment.retry"
        assert shop.sent() == []


def test_a_letter_that_does_not_say_where_it_came_from_cannot_be_sent(shop: Scene) -> None:
    found = route(stream="")
    assert (found.targets, found.first) == ((), None)
    assert "does not say" in found.why


def test_the_console_itself_is_no_other_consumer(shop: Scene) -> None:
    shop.tap.drain()
    assert "console-tap" in {row["name"].decode() for row in shop.redis.xinfo_groups("orders.0")}
    assert route().targets == (Target.MARK,)


def test_looking_changes_nothing(shop: Scene) -> None:
    shop.die(1)
    before = shop.redis.info("commandstats")
    route()
    after = shop.redis.info("commandstats")
    new = {name for name in after if after[name]["calls"] > before.get(name, {}).get("calls", 0)}
    called = {name.removeprefix("cmdstat_").split("|")[0] for name in new}
    assert called <= {"time", "hgetall", "config", "info", "xinfo", "client"}


def test_an_unknown_broker_is_refused(shop: Scene) -> None:
    shop.die(1)
    letters = shop.letters()
    for letter in letters:
        letter.broker = "elsewhere"
        letter.save()
    with pytest.raises(Refused, match="not configured"):
        run(*letters)
