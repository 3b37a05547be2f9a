"""The engine on a real Redis: every place a crash can be, and what is known after it."""

from datetime import timedelta

import pytest

from brokers.contract import BrokerError, SendResult
from dlq import control, engine, leases, sending, settle, sweeping
from dlq.models import Item, Letter, Replay
from dlq.refusals import Refused
from dlq.targets import Routes
from dlq.words import ItemState, ReplayState
from kit import clock
from tests.dlq import scene
from tests.dlq.scene import Scene, pump, run, states

pytestmark = pytest.mark.django_db


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


def test_a_crash_within_cancel_leaves_nothing_waiting(
    shop: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.die(1, 2, 3, key="order-7")
    replay = run(*shop.letters())
    pump()
    with monkeypatch.context() as patch:
        patch.setattr(sweeping, "sweep", _kill)
        with pytest.raises(Killed):
            control.cancel(replay, actor="ann", user=None, reason="enough")
    replay.refresh_from_db()
    assert (replay.state, states(replay)) == ("cancelled", ["sent", "waiting", "waiting"])
    pump()
    assert states(replay) == ["sent", "unsent", "unsent"]
    replay.refresh_from_db()
    assert replay.plan["outcomes"] == {"sent": 1, "unsent": 2}
    assert engine.due() == []


def test_what_was_claimed_is_not_sent_after_a_cancellation(shop: Scene) -> None:
    shop.die(1, 2)
    replay = run(*shop.letters())
    _until(replay, "after the claim")
    control.cancel(replay, actor="ann", user=None, reason="enough")
    stalled = sending.load(list(Item.objects.values_list("pk", flat=True)), replay.plan["token"])
    _crashed(replay)
    pump()
    assert states(replay) == ["unsent", "unsent"]
    assert [letter.state for letter in shop.letters()] == ["dead", "dead"]
    # the worker that claimed them was not dead, only slow: it sends nothing more
    routes = sending.routes_of(stalled, Routes())
    answers = sending.transmit(stalled, routes, accept_others=False)
    assert {answer.sent.result for answer in answers} == {SendResult.REFUSED}
    assert shop.sent() == []
    assert shop.queued() == 2
    assert Replay.objects.get(pk=replay.pk).plan["outcomes"] == {"unsent": 2}


def test_what_was_sent_before_a_cancellation_is_known_as_sent(shop: Scene) -> None:
    shop.die(1)
    replay = run(*shop.letters())
    _until(replay, "after the send")
    control.cancel(replay, actor="ann", user=None, reason="enough")
    _crashed(replay)
    pump()
    assert states(replay) == ["sent"]
    shop.handle()
    scene.settle(shop)
    assert states(replay) == ["succeeded"]


def test_what_was_claimed_is_not_sent_while_paused(shop: Scene) -> None:
    shop.die(1)
    replay = run(*shop.letters())
    _until(replay, "after the claim")
    control.pause(replay, actor="ann", user=None)
    _crashed(replay)
    pump()
    assert states(replay) == ["sending"]
    assert shop.sent() == []
    control.resume(replay, actor="ann", user=None)
    _crashed(replay)
    pump()
    assert states(replay) == ["sent"]
    assert len(shop.sent()) == 1


def test_a_claim_let_go_of_after_a_cancellation_is_swept(shop: Scene) -> None:
    shop.die(1)
    replay = run(*shop.letters())
    control.cancel(replay, actor="ann", user=None, reason="enough")
    Item.objects.update(state=ItemState.WAITING)
    engine._wait_for_acceptance(replay)
    pump()
    assert states(replay) == ["unsent"]


def test_a_batch_that_breaks_keeps_no_other_from_its_work(
    shop: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.die(1, 2)
    first, second = shop.letters()
    broken, whole = run(first), run(second)
    Replay.objects.filter(pk=broken.pk).update(plan={"classified_at": "now"})
    pump()
    assert (states(broken), states(whole)) == (["waiting"], ["sent"])
    assert Replay.objects.get(pk=broken.pk).state == ReplayState.RUNNING
