"""Outcomes: which evidence counts for what, and the letters and cascades that follow."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from brokers.contract import Delivered
from dlq import classes, control, engine, settle, tasks, verify
from dlq.models import Item, Letter, Replay
from dlq.outcomes import GRACE, Evidence, judge
from dlq.settle import Verdict
from dlq.words import ItemState
from kit import clock
from tests.dlq import scene
from tests.dlq.scene import Scene, pump, run, states
from tracing.rows import AttemptOutcome

NOW = datetime(2026, 8, 18, 14, 36, 20, tzinfo=UTC)


def evidence(
    *outcomes: str,
    died: str = "",
    delivered: Delivered | None = None,
    passed_s: float | None = None,
    sent_s: float = 10,
    gives: bool = True,
    seen_s: float = 1,
) -> Evidence:
    return Evidence(
        now=NOW,
        sent_at=NOW - timedelta(seconds=sent_s),
        wait=timedelta(seconds=60),
        receipts=[
            AttemptOutcome("r1", "payment", outcome, NOW - timedelta(seconds=seen_s), "payment-1")
            for outcome in outcomes
        ],
        died=died,
        delivered=delivered,
        passed_at=None if passed_s is None else NOW - timedelta(seconds=passed_s),
        gives_receipts=gives,
        consumer="payment",
    )


ACKED = Delivered.ACKNOWLEDGED


@pytest.mark.parametrize(
    ("known", "outcome"),
    [
        (evidence(), None),
        (evidence("started"), None),
        (evidence("retrying", "retrying"), None),
        (evidence("succeeded"), ItemState.SUCCEEDED),
        (evidence("retrying", "succeeded", "skipped"), ItemState.SUCCEEDED),
        (evidence("dead_lettered", "succeeded"), ItemState.SUCCEEDED),
        (evidence("skipped"), ItemState.SKIPPED),
        (evidence("dead_lettered"), None),  # its copy on the queue is on its way
        (evidence("dead_lettered", died="KeyError: x"), ItemState.FAILED_AGAIN),
        (evidence("dead_lettered", seen_s=GRACE.seconds), ItemState.FAILED_AGAIN),
        (evidence(died="KeyError: x"), ItemState.FAILED_AGAIN),
        (evidence(delivered=Delivered.AHEAD, sent_s=9_999), None),
        (evidence(delivered=Delivered.PENDING, sent_s=9_999), None),
        (evidence(delivered=ACKED, passed_s=0), None),
        (evidence(delivered=ACKED, passed_s=59), None),
        (evidence(delivered=ACKED, passed_s=60), ItemState.NO_RECEIPT),
        (evidence(delivered=ACKED, passed_s=4, gives=False), None),
        (evidence(delivered=ACKED, passed_s=5, gives=False), ItemState.HANDLED),
        (evidence(delivered=Delivered.UNKNOWN, sent_s=59), None),
        (evidence(delivered=Delivered.UNKNOWN, sent_s=60), ItemState.NO_RECEIPT),
    ],
)
def test_judgement(known: Evidence, outcome: ItemState | None) -> None:
    told = judge(known)
    assert (told[0] if told else None) is outcome
    if told:
        assert told[1]


def test_every_outcome_names_its_evidence() -> None:
    told = judge(evidence("succeeded"))
    assert told == (ItemState.SUCCEEDED, "receipt of payment (payment-1): succeeded")


def _earlier(replay: Replay) -> None:
    """As if everything of this replay had been a minute ago."""
    moment = clock.now() - timedelta(minutes=2)
    for name in ("sent_at", "passed_at"):
        Item.objects.filter(replay=replay).exclude(**{name: None}).update(**{name: moment})


@pytest.mark.django_db
def test_a_consumer_without_receipts_is_inferred_from_its_cursor(shop: Scene) -> None:
    position = shop.publish(1)
    shop.take()
    fields = shop.redis.xrange(scene.STREAM)[0][1]
    shop.redis.xadd(
        scene.QUEUE,
        fields
        | {
            b"dead-letter-consumer": b"payment",
            b"dead-letter-stream": scene.STREAM.encode(),
            b"dead-letter-position": position.encode(),
        },
    )
    shop.redis.xack(scene.STREAM, "payment", position)
    replay = run(*shop.letters())
    pump()
    _earlier(replay)
    scene.settle(shop)
    assert states(replay) == ["sent"]
    shop.handle(receipt=False)
    scene.settle(shop)
    assert Item.objects.get().passed_at is not None
    _earlier(replay)
    scene.settle(shop)
    assert states(replay) == ["handled"]
    assert Item.objects.get().evidence.startswith("inferred")
    assert Letter.objects.get().state == "mended"


@pytest.mark.django_db
def test_receipts_of_other_consumers_are_no_evidence(shop: Scene) -> None:
    shop.redis.xgroup_create(scene.STREAM, "inventory", "$")
    shop.die(1)
    replay = run(*shop.letters(), accept_others=True)
    pump()
    shop.take("inventory")
    position, fields = shop.take("inventory")
    assert b"cascadeattempt" in fields
    shop.receipt(position, fields, "succeeded", consumer="inventory")
    scene.settle(shop)
    assert states(replay) == ["sent"]
    shop.handle()
    scene.settle(shop)
    assert states(replay) == ["succeeded"]


@pytest.mark.django_db
def test_a_consumer_that_is_gone_does_not_keep_the_batch_open(shop: Scene) -> None:
    shop.die(1)
    replay = run(*shop.letters())
    pump()
    shop.redis.xgroup_destroy(scene.STREAM, "payment")
    _earlier(replay)
    scene.settle(shop)
    assert states(replay) == ["no_receipt"]
    assert "does not know payment" in Item.objects.get().evidence
    replay.refresh_from_db()
    assert replay.state == "done"


@pytest.mark.django_db
def test_a_broker_that_is_away_leaves_everything_in_flight(shop: Scene) -> None:
    shop.die(1)
    replay = run(*shop.letters())
    pump()
    _earlier(replay)
    shop.server.kill()
    try:
        assert verify.verify(30) == 0
    finally:
        shop.server.start()
    assert states(replay) == ["sent"]


@pytest.mark.django_db
def test_markers_go_when_settled(shop: Scene) -> None:
    shop.die(1)
    shop.reclaims()
    run(*shop.letters())
    pump()
    (key,) = shop.redis.keys("cascade:attempt:*")
    assert shop.redis.ttl(key) == -1
    shop.handle()
    scene.settle(shop)
    assert shop.redis.ttl(key) > 0
    assert shop.redis.hlen("cascade:replays") == 0


@pytest.mark.django_db
def test_outcomes_after_a_cancellation_are_in_the_account_and_show_no_secret(shop: Scene) -> None:
    shop.die(1)
    replay = run(*shop.letters())
    pump()
    control.cancel(replay, actor="ann", user=None, reason="enough")
    assert classes.account(replay)[ItemState.SENT] == 1
    (flying,) = settle.flying(Item.objects.all())
    error = "failed: ValueError: no mail to ann@example.org"
    settle.apply([Verdict(flying, ItemState.FAILED_AGAIN, error)])
    engine.finish(replay.pk)
    replay.refresh_from_db()
    assert replay.plan["outcomes"] == {"failed_again": 1}
    assert "ann@" not in Item.objects.get().evidence


@pytest.mark.django_db
@pytest.mark.parametrize("place", [0, 1, 2, 3, 4])
def test_a_round_sees_everything_once_wherever_it_begins(
    shop: Scene, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    shop.die(*range(1, 6))
    run(*shop.letters())
    pump()
    for _ in range(5):
        shop.handle()
    seen: list[int] = []
    write = verify._write
    monkeypatch.setattr(verify, "SLICE", 2)
    monkeypatch.setattr("random.randint", lambda low, high: min(low + place, high))

    def written(told: Sequence[Verdict]) -> int:
        seen.extend(verdict.item.pk for verdict in told)
        return write(told)

    monkeypatch.setattr(verify, "_write", written)
    assert scene.settle(shop) == 5
    assert sorted(seen) == sorted(Item.objects.values_list("pk", flat=True))


@pytest.mark.django_db
def test_late_evidence_is_found_for_more_than_one_slice(
    shop: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.die(*range(1, 6))
    replay = run(*shop.letters())
    pump()
    Item.objects.update(state=ItemState.NO_RECEIPT, settled_at=clock.now())
    for _ in range(5):
        shop.handle()
    monkeypatch.setattr(verify, "SLICE", 2)
    scene.settle(shop)
    assert set(states(replay)) == {"succeeded"}


@pytest.mark.django_db
def test_the_next_of_a_lane_goes_within_the_slice_that_sees_the_outcome(
    shop: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.die(1, 2, 3, key="order-7")
    replay = run(*shop.letters())
    pump()

    def meanwhile(_: float) -> None:
        """The consumer and the tap, while the worker waits for them."""
        shop.handle()
        shop.tap.drain()

    meanwhile(0)
    monkeypatch.setattr(tasks, "SECONDS", 60)
    monkeypatch.setattr("time.sleep", meanwhile)
    assert tasks.verify() == 3
    assert states(replay) == ["succeeded", "succeeded", "succeeded"]
    assert Replay.objects.get().state == "done"
