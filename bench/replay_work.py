"""The work that bench/replay.py measures; imported with Django set up."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.core.management import call_command

from brokers import config
from dlq import classes, control, engine, plan, verify
from dlq.filters import LetterFilter
from dlq.models import Death, Group, Item, Letter, Replay
from tests.support.redis_server import RedisServer
from tracing.models import Receipt

LETTERS = 20_000
PREVIEW = 100_000
BATCH = 500
STREAMS = 3
LEAST_PER_S = 5_000  # published by one worker (DESIGN, figures)
PREVIEW_S = 2.0
BODY = json.dumps({"order_id": 4711, "total": "89.90", "items": ["a-17", "b-4"]}).encode()


def main() -> None:
    """Measure, and print the rows as the last line."""
    call_command("migrate", verbosity=0)
    server = RedisServer()
    try:
        broker = config.BrokerConfig(name="shop", url=server.url, replay=True)
        config.use(lambda: config.Config(brokers=(broker,)))
        print(json.dumps(_measured(server.client())))
    finally:
        server.stop()


def _row(name: str, figure: float, raw: float, target: float) -> dict[str, Any]:
    return {"name": name, "figure": figure, "raw": raw, "ratio": figure / raw, "target": target}


def _measured(redis: Any) -> list[dict[str, Any]]:

    letters = _seed(redis, LETTERS)
    raw = LETTERS / _timed(lambda: _bare(redis, LETTERS))
    replay = plan.freeze(letters, actor="bench", user=None, reason="bench")
    _classify(replay.pk)
    replay = control.start(Replay.objects.get(pk=replay.pk), actor="bench", user=None)
    published = LETTERS / _timed(lambda: _until_sent(engine.pump))
    _give_receipts(replay.pk)
    settled = LETTERS / _timed(lambda: _until_done(verify.verify, replay.pk))
    _letters(PREVIEW)
    chosen = LetterFilter(state="dead")
    preview = _timed(lambda: plan.freeze(chosen, actor="bench", user=None, reason="bench"))
    return [
        _row("replay: published a second, bare XADD", published, raw, 0.1),
        _row("replay: published a second, at least", published, LEAST_PER_S, 1.0),
        _row("replay: outcomes a second, at least", settled, LEAST_PER_S, 1.0),
        _row("replay: members frozen a second", PREVIEW / preview, PREVIEW / PREVIEW_S, 1.0),
    ]


def _timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _fields(number: int) -> dict[bytes, bytes]:
    return {
        b"ce-specversion": b"1.0",
        b"ce-id": b"e-%d" % number,
        b"ce-source": b"/orders",
        b"ce-type": b"OrderPlaced",
        b"ce-correlationid": b"flow-%d" % number,
        b"ce-partitionkey": b"order-%d" % number,
        b"content-type": b"application/json",
        b"data": BODY,
    }


def _bare(redis: Any, count: int) -> None:
    """The raw limit: the same messages, pipelined."""
    for start in range(0, count, BATCH):
        pipeline = redis.pipeline(transaction=False)
        for number in range(start, start + BATCH):
            pipeline.xadd("bare", _fields(number))
        pipeline.execute()


def _seed(redis: Any, count: int) -> LetterFilter:
    """Letters that died in `payment`, the only consumer, on the broker and in the database."""

    for number in range(STREAMS):
        redis.xgroup_create(f"orders.{number}", "payment", "$", mkstream=True)
    letters = _letters(count)
    marks = {b"dead-letter-consumer": b"payment", b"dead-letter-error-type": b"KeyError"}
    deaths = []
    for start in range(0, count, BATCH):
        pipeline = redis.pipeline(transaction=False)
        part = letters[start : start + BATCH]
        for number, _ in enumerate(part, start):
            pipeline.xadd("orders.payment.dlq", _fields(number) | marks)
        for letter, position in zip(part, pipeline.execute(), strict=True):
            deaths.append(_death(letter, position.decode()))
    Death.objects.bulk_create(deaths, batch_size=BATCH)
    assert Letter.objects.count() == count
    return LetterFilter(state="dead")


def _letters(count: int) -> list[Letter]:

    now = datetime.now(UTC)
    first = Letter.objects.count()
    group, _ = Group.objects.get_or_create(
        fingerprint="1:bench",
        defaults={"broker": "shop", "consumer": "payment", "first_at": now, "last_at": now},
    )
    rows = [
        Letter(
            group=group,
            identity_key=f"bench-{number}",
            broker="shop",
            consumer="payment",
            dead_stream="orders.payment.dlq",
            dead_position=f"{number}-0",
            topic="orders",
            stream=f"orders.{number % STREAMS}",
            position=f"{number}-0",
            event_identity=number.to_bytes(16, "big"),
            source="/orders",
            event_id=f"e-{number}",
            flow_id=f"flow-{number}",
            lane=f"order-{number}",
            payload=BODY,
            first_died_at=now,
            died_at=now,
        )
        for number in range(first, first + count)
    ]
    return Letter.objects.bulk_create(rows, batch_size=BATCH)


def _death(letter: Letter, position: str) -> Death:
    return Death(
        letter=letter,
        broker="shop",
        stream="orders.payment.dlq",
        position=position,
        original_stream=letter.stream,
        original_position=letter.position,
        died_at=letter.died_at,
    )


def _classify(replay_id: int) -> None:

    while not classes.classify(replay_id):
        pass


def _until_sent(pump: Callable[[float], int]) -> None:
    """Slices of a second, as beat starts them, without the pauses in between."""

    while Item.objects.filter(state__in=("waiting", "sending")).exists():
        pump(1.0)


def _give_receipts(replay_id: int) -> None:

    now = datetime.now(UTC)
    rows = Item.objects.filter(replay_id=replay_id).values_list(
        "attempt", "letter__event_identity", "letter__flow_id"
    )
    Receipt.objects.bulk_create(
        [
            Receipt(
                receipt_identity=b"r" + index.to_bytes(15, "big"),
                identity=bytes(identity),
                flow_id=flow,
                consumer="payment",
                outcome="succeeded",
                started_at=now,
                seen_at=now,
                replay_attempt=attempt,
            )
            for index, (attempt, identity, flow) in enumerate(rows)
        ],
        batch_size=BATCH,
    )


def _until_done(verify: Callable[[float], int], replay_id: int) -> None:

    while Replay.objects.filter(pk=replay_id, state="running").exists():
        verify(1.0)
