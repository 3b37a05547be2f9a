"""The engine on a real Redis: sends, order, outcomes, and every place a crash can be."""

from datetime import timedelta

import pytest

from dlq import control, verify
from dlq.models import Death, Item, Letter, Replay
from dlq.refusals import Refused
from kit.models import AuditEntry
from tests.dlq import scene
from tests.dlq.scene import Scene, observing, pump, run, states
from tests.support.redis_server import RedisServer
from tracing.models import Receipt

pytestmark = pytest.mark.django_db


def test_the_original_goes_to_its_consumer_again_and_is_mended(shop: Scene) -> None:
    shop.die(1, 2)
    shop.reclaims()
    letters = shop.letters()
    replay = run(*letters)
    assert pump() == 2
    assert states(replay) == ["sent", "sent"]
    assert {item.target for item in Item.objects.all()} == {"repend"}
    assert shop.queued() == 0
    assert shop.sent() == []
    attempts = {shop.handle(), shop.handle()}
    assert attempts == set(Item.objects.values_list("attempt", flat=True))
    assert scene.settle(shop) == 2
    assert states(replay) == ["succeeded", "succeeded"]
    replay.refresh_from_db()
    assert replay.state == "done"
    assert [letter.state for letter in shop.letters()] == ["mended", "mended"]
    assert Receipt.objects.filter(outcome="mended", origin="letter").count() == 2
    assert Receipt.objects.filter(outcome="replayed", origin="letter").count() == 2
    assert Death.objects.filter(removed_at=None).count() == 0


def test_a_mark_where_the_consumer_does_not_reclaim(shop: Scene) -> None:
    shop.die(1)
    replay = run(*shop.letters())
    pump()
    item = Item.objects.get()
    assert item.target == "mark"
    (copy,) = shop.sent()
    assert copy[b"cascadetarget"] == b"payment"
    assert copy[b"cascadeattempt"].decode() == item.attempt
    shop.handle()
    scene.settle(shop)
    assert states(replay) == ["succeeded"]


def test_the_original_is_gone_and_the_next_target_takes_over(shop: Scene) -> None:
    shop.die(1)
    shop.reclaims()
    letters = shop.letters()
    shop.redis.xdel(scene.STREAM, shop.originals[1])
    run(*letters)
    pump()
    assert Item.objects.get().target == "mark"
    assert len(shop.sent()) == 1


def test_one_letter_of_a_lane_is_in_flight_until_its_outcome(shop: Scene) -> None:
    shop.die(1, 2, 3, key="order-7")
    shop.die(4)
    replay = run(*shop.letters())
    pump()
    pump()
    assert states(replay) == ["sent", "waiting", "waiting", "sent"]
    shop.handle()
    shop.handle()
    scene.settle(shop)
    assert states(replay) == ["succeeded", "waiting", "waiting", "succeeded"]
    pump()
    assert states(replay) == ["succeeded", "sent", "waiting", "succeeded"]


def test_dying_again_is_the_same_letter(shop: Scene) -> None:
    shop.die(1)
    shop.reclaims()
    replay = run(*shop.letters())
    pump()
    shop.handle("dead_lettered")
    scene.settle(shop)
    assert states(replay) == ["failed_again"]
    (letter,) = shop.letters()
    assert (letter.state, letter.deaths) == ("dead", 2)
    shop.redis.delete("cascade:reclaims")
    second = run(letter)
    pump()
    shop.handle("dead_lettered")
    scene.settle(shop)
    assert states(second) == ["failed_again"]
    (letter,) = shop.letters()
    assert (letter.state, letter.deaths) == ("dead", 3)
    assert shop.queued() == 1


def test_a_letter_with_a_further_copy_on_its_queue_stays_open(shop: Scene) -> None:
    shop.die(1)
    first = run(*shop.letters())
    ((_, fields),) = shop.redis.xrange(scene.QUEUE)
    pump()
    shop.handle()
    shop.redis.xadd(scene.QUEUE, fields)  # its consumer had crashed before it acknowledged
    scene.settle(shop)
    assert states(first) == ["succeeded"]
    (letter,) = shop.letters()
    assert (letter.state, letter.deaths) == ("dead", 1)
    second = run(letter, choices={"already_succeeded": "send"})
    pump()
    assert shop.queued() == 0
    shop.handle("skipped")
    scene.settle(shop)
    assert states(second) == ["skipped"]
    assert Letter.objects.get().state == "mended"


def test_seen_before_is_no_success_but_closes_the_letter(shop: Scene) -> None:
    shop.die(1)
    replay = run(*shop.letters())
    pump()
    shop.handle("skipped")
    scene.settle(shop)
    assert states(replay) == ["skipped"]
    assert Letter.objects.get().state == "mended"


def test_no_receipt_is_counted_from_the_acknowledgement_and_late_evidence_settles(
    shop: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.die(1)
    shop.honours("payment")
    replay = run(*shop.letters(), receipt_wait_s=0)
    pump()
    monkeypatch.setattr(verify, "ASK_AFTER", timedelta(0))
    scene.settle(shop)
    assert states(replay) == ["sent"]
    position, fields = shop.take()
    scene.settle(shop)
    assert states(replay) == ["sent"]
    shop.redis.xack(scene.STREAM, "payment", position)
    scene.settle(shop)
    assert states(replay) == ["no_receipt"]
    assert Letter.objects.get().state == "dead"
    shop.receipt(position, fields, "succeeded")
    scene.settle(shop)
    assert states(replay) == ["succeeded"]
    assert Letter.objects.get().state == "mended"


def test_a_letter_changed_since_the_plan_drops_out(shop: Scene) -> None:
    shop.die(1, 2)
    first, _ = shop.letters()
    replay = run(*shop.letters())
    Letter.objects.filter(pk=first.pk).update(version=9)
    pump()
    assert states(replay) == ["changed", "sent"]
    assert "changed" in Item.objects.get(letter=first).evidence


def test_nothing_goes_to_other_consumers_without_acceptance(
    redis_server: RedisServer, redis_url: str
) -> None:
    with observing(redis_url):
        shop = Scene(redis_server, others=["inventory"])
        shop.die(1)
        letters = shop.letters()
        with pytest.raises(Refused, match="inventory"):
            run(*letters)
        assert shop.sent() == []
        replay = Replay.objects.get()
        control.start(replay, actor="ann", user=None, reason="agreed", accept_others=True)
        pump()
        assert Item.objects.get().target == "topic"
        assert len(shop.sent()) == 1


def test_a_fallback_to_the_topic_waits_for_a_person(
    redis_server: RedisServer, redis_url: str
) -> None:
    with observing(redis_url):
        shop = Scene(redis_server, others=["inventory"])
        shop.die(1)
        shop.reclaims()
        letters = shop.letters()
        replay = run(*letters)
        shop.redis.xdel(scene.STREAM, shop.originals[1])
        pump()
        replay.refresh_from_db()
        assert (replay.state, states(replay)) == ("paused", ["waiting"])
        assert shop.sent() == []
        with pytest.raises(Refused):
            control.resume(replay, actor="ann", user=None)
        control.resume(replay, actor="ann", user=None, accept_others=True)
        pump()
        assert states(replay) == ["sent"]


def test_somebody_else_took_the_copy(shop: Scene) -> None:
    shop.die(1)
    letters = shop.letters()
    replay = run(*letters)
    shop.redis.delete(scene.QUEUE)
    pump()
    assert states(replay) == ["unsent"]
    assert shop.sent() == []
    (letter,) = shop.letters()
    assert letter.state == "dead"
    run(letter)
    pump()
    (copy,) = shop.sent()
    assert copy[b"data"] == bytes(letter.payload or b"")


def test_pause_and_cancel(shop: Scene) -> None:
    shop.die(1, 2, key="order-7")
    replay = run(*shop.letters())
    pump()
    control.pause(replay, actor="ann", user=None)
    shop.handle()
    scene.settle(shop)
    assert pump() == 0
    assert states(replay) == ["succeeded", "waiting"]
    control.cancel(replay, actor="ann", user=None, reason="enough")
    assert states(replay) == ["succeeded", "unsent"]
    assert [letter.state for letter in shop.letters()] == ["mended", "dead"]
    with pytest.raises(Refused):
        control.resume(replay, actor="ann", user=None)
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert actions == ["replay.plan", "replay.start", "replay.pause", "replay.cancel"]


def test_writing_is_off_unless_configured(redis_server: RedisServer, redis_url: str) -> None:
    with observing(redis_url):
        shop = Scene(redis_server)
        shop.die(1)
        letters = shop.letters()
    with observing(redis_url, replay=False), pytest.raises(Refused, match="replay = true"):
        run(*letters)
