"""The engine on a real Redis: sends, order, outcomes, and every place a crash can be."""

from datetime import timedelta

import pytest

from brokers.contract import BrokerError
from dlq import control, engine, leases, settle, verify
from dlq.models import Death, Item, Letter, Replay
from dlq.refusals import Refused
from dlq.targets import Routes
from dlq.words import ItemState
from kit import clock
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


def _crashed(replay: Replay) -> None:
    """As after a kill -9: leases end."""
    past = clock.now() - timedelta(minutes=1)
    Item.objects.filter(replay=replay, state="sending").update(lease_until=past)
    Replay.objects.update(lease_until=None)


CRASHES = ["before the claim", "after the claim", "after the send", "after the record"]


@pytest.mark.parametrize("target", ["repend", "mark"])
@pytest.mark.parametrize("first", CRASHES)
@pytest.mark.parametrize("second", CRASHES)
def test_no_crash_sends_twice_unseen(shop: Scene, target: str, first: str, second: str) -> None:
    """Killed at any step, and again at any step of the recovery: sent once, and known."""
    shop.die(1)
    if target == "repend":
        shop.reclaims()
    replay = run(*shop.letters())
    for crash in (first, second):
        _until(replay, crash)
        _crashed(replay)
    pump()
    assert states(replay) == ["sent"]
    assert len(shop.sent()) == (1 if target == "mark" else 0)
    assert shop.queued() == 0
    shop.handle()
    scene.settle(shop)
    assert states(replay) == ["succeeded"]


class Killed(BaseException):
    """kill -9, as far as one process can do it to itself."""


def _until(replay: Replay, crash: str) -> None:
    """Pump, and be killed at this step; a step that does not come is not killed at."""
    with pytest.MonkeyPatch.context() as patch:
        if crash == "before the claim":
            patch.setattr("dlq.sending.claim", _kill)
        elif crash == "after the claim":
            patch.setattr("dlq.sending.transmit", _kill)
        elif crash == "after the send":
            patch.setattr("dlq.sending.record", _kill)
        else:
            patch.setattr("dlq.engine._turn", _kill)
        try:
            pump()
        except Killed:
            return


def _kill(*_: object, **__: object) -> None:
    raise Killed


def test_a_send_that_nobody_can_know_of_is_visible_and_settled_by_hand(shop: Scene) -> None:
    shop.die(1, 2, key="order-7")
    replay = run(*shop.letters())
    _until(replay, "after the claim")
    shop.redis.delete(scene.QUEUE)
    _crashed(replay)
    pump()
    assert states(replay) == ["maybe_sent", "waiting"]
    assert [letter.state for letter in shop.letters()] == ["maybe_sent", "dead"]
    assert pump() == 0
    item = Item.objects.get(state=ItemState.MAYBE_SENT)
    with pytest.raises(Refused):
        settle.settle_maybe_sent(item, False, actor="ann", user=None, reason=" ")
    settle.settle_maybe_sent(item, False, actor="ann", user=None, reason="not on the topic")
    assert states(replay) == ["unsent", "waiting"]
    letter = shop.letters()[0]
    assert letter.state == "dead"
    with pytest.raises(Refused):
        settle.settle_maybe_sent(item, True, actor="ann", user=None, reason="again")


def test_settled_as_sent_its_outcome_is_awaited(shop: Scene) -> None:
    shop.die(1)
    replay = run(*shop.letters())
    _until(replay, "after the claim")
    shop.redis.config_set("appendfsync", "everysec")
    try:
        _crashed(replay)
        pump()
    finally:
        shop.redis.config_set("appendfsync", "always")
    assert states(replay) == ["maybe_sent"]
    item = Item.objects.get()
    settle.settle_maybe_sent(item, True, actor="ann", user=None, reason="seen on the topic")
    assert states(replay) == ["sent"]
    assert Letter.objects.get().state == "replaying"


def test_a_worker_that_was_too_slow_writes_nothing_more(shop: Scene) -> None:
    shop.die(1)
    replay = run(*shop.letters())
    old = leases.take(replay.pk)
    assert old is not None
    assert leases.take(replay.pk) is None
    Replay.objects.update(lease_until=None)
    new = leases.take(replay.pk)
    assert new is not None
    with pytest.raises(leases.Lost):
        engine.step(old, replay, Routes())
    assert shop.sent() == []
    assert engine.step(new, replay, Routes())[0] == 1


def test_redis_is_killed_while_sending(shop: Scene) -> None:
    shop.die(*range(1, 21))
    replay = run(*shop.letters())
    lease = leases.take(replay.pk)
    assert lease is not None
    shop.server.kill()
    try:
        with pytest.raises(BrokerError):
            engine.step(lease, replay, Routes())
    finally:
        shop.server.start()
    leases.give_back(lease)
    pump()
    assert set(states(replay)) == {"sent"}
    assert len(shop.sent()) == 20


def test_writing_is_off_unless_configured(redis_server: RedisServer, redis_url: str) -> None:
    with observing(redis_url):
        shop = Scene(redis_server)
        shop.die(1)
        letters = shop.letters()
    with observing(redis_url, replay=False), pytest.raises(Refused, match="replay = true"):
        run(*letters)
