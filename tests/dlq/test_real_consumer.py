"""The whole way with the real consumer of cascade_client: it dies, is mended, dies again."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from redis import Redis

from cascade_client import Consumer, Permanent, RedisTransport, Retry
from dlq import editing
from dlq.models import Item, Letter, Replay
from tests.dlq import scene
from tests.dlq.scene import Scene, pump, run, states
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.django_db


class Payment:
    """Charges an order once, unless its release cannot do without a currency."""

    def __init__(self, url: str) -> None:
        self.charged: list[int] = []
        self.is_fixed = False
        self._transport = RedisTransport(Redis.from_url(url), default_partitions=1)

    def _handle(self, event: Any, work: Any) -> None:
        if "currency" not in event.data and not self.is_fixed:
            raise Permanent("'currency'")
        self.charged.append(event.data["order_id"])

    @contextmanager
    def running(self) -> Iterator[None]:
        """The consumer runs inside the block."""
        consumer = Consumer(
            self._transport,
            "payment",
            source="/payment",
            topics=["orders"],
            handlers={"OrderPlaced": self._handle},
            retry=Retry(attempts=2, base_s=0.01, max_s=0.02),
            process="payment-1",
            lease_s=1.0,
        )
        stop = threading.Event()
        thread = threading.Thread(target=consumer.run, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(30)


def until(condition: Callable[[], Any], within_s: float = 30.0) -> Any:
    """The condition's value once it is true; fails when it never is."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError("it did not happen")


def settled(shop: Scene, replay: Replay) -> bool:
    """One round of the engine, the tap and the verification; whether the batch is over."""
    pump()
    scene.settle(shop)
    replay.refresh_from_db()
    return bool(replay.state == "done")


def test_dies_is_mended_by_the_fix_and_charged_once(shop: Scene, redis_server: RedisServer) -> None:
    payment = Payment(redis_server.url)
    for number in (1, 2, 3):
        shop.publish(number)
    with payment.running():
        until(lambda: shop.queued() == 3)
        letters = shop.letters()
        until(lambda: shop.redis.exists("cascade:reclaims"))
        payment.is_fixed = True
        replay = run(*letters)
        until(lambda: settled(shop, replay))
    assert states(replay) == ["succeeded"] * 3
    assert {item.target for item in Item.objects.all()} == {"repend"}
    assert sorted(payment.charged) == [1, 2, 3]
    assert [letter.state for letter in shop.letters()] == ["mended"] * 3


def test_an_edit_mends_and_a_second_death_is_the_same_letter(
    shop: Scene, redis_server: RedisServer
) -> None:
    payment = Payment(redis_server.url)
    shop.publish(1)
    with payment.running():
        until(lambda: shop.queued() == 1)
        (letter,) = shop.letters()
        again = run(letter)
        until(lambda: settled(shop, again))
        assert states(again) == ["failed_again"]
        letter = Letter.objects.get()
        assert (letter.state, letter.deaths) == ("dead", 2)
        editing.revise(letter, '{"order_id": 1, "currency": "EUR"}', None, "no currency", "ann")
        mended = run(letter)
        until(lambda: settled(shop, mended))
    assert states(mended) == ["succeeded"]
    assert payment.charged == [1]
    assert Letter.objects.get().state == "mended"
    assert shop.queued() == 0
