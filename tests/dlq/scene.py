"""Letters on a real Redis: an order's topic, its consumers by hand, the tap, and the engine."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from brokers import config as configuration
from brokers.config import BrokerConfig, Config, ConsumerConfig, Value
from brokers.connect import connect, connect_all
from console.rulebook import Rulebook
from console.tap import Tap
from dlq import classes, control, engine, plan, verify
from dlq.models import Item, Letter, Replay
from kit import clock
from tests.support.redis_server import RedisServer

STREAM, QUEUE = "orders.0", "orders.payment.dlq"


class Scene:
    """One stream `orders.0` that `payment` reads; inventory, analytics where they are named."""

    def __init__(self, server: RedisServer, others: Sequence[str] = ()) -> None:
        self.server = server
        self.redis: Any = server.client()
        self.originals: dict[int, str] = {}
        for name in ("payment", *others):
            self.redis.xgroup_create(STREAM, name, "0", mkstream=True)
        self.tap = Tap(connect_all(), Rulebook(), "tap-1")

    def reclaims(self, consumer: str = "payment") -> None:
        """The consumer shows that it takes up pending entries."""
        self.redis.hset("cascade:reclaims", f"{STREAM}|{consumer}", self._now_ms())

    def honours(self, *consumers: str) -> None:
        """These consumers show that they pass marked messages by."""
        for name in consumers:
            self.redis.hset("cascade:honours-mark", name, self._now_ms())

    def _now_ms(self) -> int:
        return int(clock.now().timestamp() * 1000)

    def publish(self, number: int, key: str = "", kind: str = "OrderPlaced") -> str:
        """Event `number`; its position."""
        fields = {
            "ce-specversion": "1.0",
            "ce-id": f"e-{number}",
            "ce-source": "/orders",
            "ce-type": kind,
            "ce-correlationid": f"flow-{number}",
            "ce-partitionkey": key or f"order-{number}",
            "content-type": "application/json",
            "data": json.dumps({"order_id": number, "total": "10.00"}),
        }
        return str(self.redis.xadd(STREAM, fields).decode())

    def die(self, *numbers: int, key: str = "") -> None:
        """Payment gives these orders up: dead-lettered and acknowledged."""
        for number in numbers:
            self.originals[number] = self.publish(number, key)
            self.give_up(*self.take())

    def take(self, consumer: str = "payment") -> tuple[str, dict[bytes, bytes]]:
        """The next message of a consumer: pending ones first; raises when there is none."""
        own = self.redis.xautoclaim(STREAM, consumer, "p-1", 60_000, "0", count=1)[1]
        if own:
            return own[0][0].decode(), own[0][1]
        found = self.redis.xreadgroup(consumer, "p-1", {STREAM: ">"}, count=1)
        position, fields = found[0][1][0]
        return position.decode(), fields

    def give_up(self, position: str, fields: dict[bytes, bytes], attempt: str = "") -> None:
        """Dead-letter and acknowledge, with the receipt."""
        marks = {
            b"dead-letter-consumer": b"payment",
            b"dead-letter-stream": STREAM.encode(),
            b"dead-letter-position": position.encode(),
            b"dead-letter-reason": b"attempts",
            b"dead-letter-time": clock.rfc3339(clock.now()).encode(),
            b"dead-letter-error-type": b"KeyError",
            b"dead-letter-error-message": b"'currency'",
        }
        self.redis.xadd(QUEUE, fields | marks)
        self.receipt(position, fields, "dead_lettered")
        self.redis.xack(STREAM, "payment", position)

    def handle(self, outcome: str = "succeeded", *, receipt: bool = True) -> str:
        """Payment handles its next message; the replay attempt it bore, or ""."""
        position, fields = self.take()
        attempt = self._attempt(position, fields)
        if outcome == "dead_lettered":
            self.give_up(position, fields)
            return attempt
        if receipt:
            self.receipt(position, fields, outcome)
        self.redis.xack(STREAM, "payment", position)
        return attempt

    def _attempt(self, position: str, fields: dict[bytes, bytes], consumer: str = "payment") -> str:
        known = self.redis.hget("cascade:replays", f"{STREAM}|{position}|{consumer}")
        return (fields.get(b"cascadeattempt") or known or b"").decode()

    def receipt(
        self, position: str, fields: dict[bytes, bytes], outcome: str, consumer: str = "payment"
    ) -> None:
        """What a consumer says of its attempt."""
        body = {
            "event_source": fields[b"ce-source"].decode(),
            "event_id": fields[b"ce-id"].decode(),
            "stream": STREAM,
            "position": position,
            "consumer": consumer,
            "attempt": 1,
            "outcome": outcome,
            "started_at": clock.rfc3339(clock.now()),
            "error": {"type": "KeyError", "message": "'currency'"},
            "process": "p-1",
            "replay_attempt": self._attempt(position, fields, consumer) or None,
        }
        number = self.redis.incr("receipts")
        self.redis.xadd(
            "cascade.receipts",
            {
                "ce-specversion": "1.0",
                "ce-id": f"receipt-{number}",
                "ce-source": f"/{consumer}",
                "ce-type": "cascade.receipt.v1",
                "ce-correlationid": fields.get(b"ce-correlationid", b"").decode(),
                "content-type": "application/json",
                "data": json.dumps(body),
            },
        )

    def letters(self) -> list[Letter]:
        """Everything tapped; the letters in the order of their events."""
        self.tap.drain()
        return list(Letter.objects.order_by("event_id"))

    def sent(self) -> list[dict[bytes, bytes]]:
        """What our replays added to the stream, oldest first."""
        found = self.redis.xrange(STREAM)
        return [fields for _, fields in found if b"cascadeattempt" in fields]

    def queued(self) -> int:
        """Entries on the dead-letter queue."""
        return int(self.redis.xlen(QUEUE))


def run(*letters: Letter, accept_others: bool = False, **options: Any) -> Replay:
    """A replay of these letters, planned, classified and started."""
    replay = plan.freeze([letter.pk for letter in letters], actor="ann", user=None, **options)
    classes.classify_all(replay.pk)
    replay.refresh_from_db()
    return control.start(
        replay, actor="ann", user=None, reason="the fix is out", accept_others=accept_others
    )


def pump() -> int:
    """One round of the engine, with time enough."""
    return engine.pump(30)


def settle(scene: Scene) -> int:
    """Everything tapped, and one round of verification."""
    scene.tap.drain()
    return verify.verify(30)


def states(replay: Replay) -> list[str]:
    """The members' states, in the order of their events."""
    members = Item.objects.filter(replay=replay).order_by("letter__event_id")
    return list(members.values_list("state", flat=True))


@contextmanager
def observing(url: str, *, replay: bool = True, **consumers: ConsumerConfig) -> Iterator[None]:
    """The configuration of the scene, and no connection left over from another."""
    connect.cache_clear()
    broker = BrokerConfig(name="shop", url=url, tap=True, replay=replay)
    configuration.use(
        lambda: Config(
            brokers=(broker,),
            consumers=consumers,
            keys={"order": "/order_id"},
            value=Value(amount="/total", default_currency="EUR"),
        )
    )
    yield
    connect.cache_clear()
    configuration.use(Config)
