"""A ramp on a real Redis: each gate waits for the outcomes of the one before."""

from datetime import timedelta

import pytest

from dlq import control, ramp
from dlq.models import Item, Letter, Replay
from dlq.refusals import Refused
from kit.models import AuditEntry
from tests.dlq import scene
from tests.dlq.scene import Scene, pump, run, states

pytestmark = pytest.mark.django_db


def _ramped(shop: Scene, *, gates: tuple[int, ...] = (1, 2), most_failed: int = 5) -> Replay:
    return run(*shop.letters(), gates=gates, most_failed=most_failed)


def _sent() -> int:
    return Item.objects.exclude(sent_at=None).count()


def _handled(shop: Scene, *outcomes: str) -> None:
    for outcome in outcomes:
        shop.handle(outcome)
    scene.settle(shop)


def test_each_gate_waits_for_the_outcomes_before_it(shop: Scene) -> None:
    shop.die(*range(1, 7))
    replay = _ramped(shop)
    pump()
    pump()
    assert _sent() == 1
    _handled(shop, "succeeded")
    pump()
    pump()
    assert _sent() == 3
    _handled(shop, "succeeded")
    pump()
    assert _sent() == 3
    _handled(shop, "skipped")
    pump()
    pump()
    assert _sent() == 6
    _handled(shop, *["succeeded"] * 3)
    replay.refresh_from_db()
    assert replay.state == "done"
    gates = replay.plan["gates"]
    assert [gate["letters"] for gate in gates] == [1, 2, 3]
    assert [bool(gate["passed_at"]) for gate in gates] == [True, True, False]
    assert AuditEntry.objects.filter(action="replay.gate").count() == 2


def test_a_lane_never_spans_gates(shop: Scene) -> None:
    shop.die(1, 2, 3, key="order-a")
    shop.die(4, key="order-b")
    shop.die(5, key="order-c")
    replay = _ramped(shop, gates=(1, 1))
    pump()
    replay.refresh_from_db()
    assert [gate["letters"] for gate in replay.plan["gates"]] == [3, 1, 1]
    for _ in range(3):
        assert set(Item.objects.exclude(sent_at=None).values_list("lane", flat=True)) == {"order-a"}
        _handled(shop, "succeeded")
        pump()
    pump()
    assert Item.objects.filter(lane="order-b", state="sent").exists()
    assert Item.objects.get(lane="order-c").state == "waiting"


def test_it_pauses_itself_and_a_resume_sends_what_failed_once_more(shop: Scene) -> None:
    shop.die(*range(1, 5))
    replay = _ramped(shop)
    pump()
    _handled(shop, "dead_lettered")
    pump()
    replay.refresh_from_db()
    assert replay.state == "paused"
    assert replay.plan["stopped"] == "1 failed again of 1: more than 5 %"
    assert _sent() == 1
    first = Item.objects.get(state="failed_again")
    before = first.attempt

    control.resume(replay, actor="ann", user=None, reason="1.8.1 is out", again=True)
    pump()
    first.refresh_from_db()
    assert (first.state, _sent()) == ("sent", 1)
    assert first.attempt != before
    _handled(shop, "succeeded")
    for _ in range(3):
        pump()
        pump()
        while shop.redis.xpending(scene.STREAM, "payment")["pending"] or _awaited():
            _handled(shop, "succeeded")
    replay.refresh_from_db()
    assert (replay.state, states(replay)) == ("done", ["succeeded"] * 4)
    assert set(Letter.objects.values_list("state", flat=True)) == {"mended"}
    entry = AuditEntry.objects.get(action="replay.resume")
    assert entry.changes["again"] == 1


def _awaited() -> bool:
    return Item.objects.filter(state="sent").exists()


def test_a_resume_without_it_leaves_what_failed(shop: Scene) -> None:
    shop.die(1, 2)
    replay = _ramped(shop, gates=(1,))
    pump()
    _handled(shop, "dead_lettered")
    pump()
    control.resume(Replay.objects.get(), actor="ann", user=None)
    pump()
    pump()
    assert states(replay) == ["failed_again", "sent"]
    _handled(shop, "succeeded")
    replay.refresh_from_db()
    assert replay.state == "done"


def test_it_pauses_itself_when_outcomes_stop_coming(
    shop: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ramp, "PATIENCE", timedelta(0))
    shop.die(1, 2)
    replay = run(*shop.letters(), gates=(1,), receipt_wait_s=0)
    pump()
    pump()
    replay.refresh_from_db()
    assert replay.state == "paused"
    assert replay.plan["stopped"] == "no outcome for 0 s, 1 are awaited"


def test_a_small_replay_has_as_many_gates_as_it_fills(shop: Scene) -> None:
    shop.die(1)
    replay = _ramped(shop, gates=(1, 5, 25))
    pump()
    _handled(shop, "dead_lettered")
    replay.refresh_from_db()
    assert [gate["letters"] for gate in replay.plan["gates"]] == [1]
    assert replay.state == "done"  # there was nothing to hold back


def test_a_ramp_changes_only_while_it_is_a_plan(shop: Scene) -> None:
    shop.die(1, 2)
    replay = _ramped(shop)
    for sizes, most in (([0], 5), ([1_001], 5), ([1] * 11, 5), ([1], 101)):
        with pytest.raises(Refused):
            control.set_ramp(replay, sizes, most, actor="ann", user=None)
    with pytest.raises(Refused, match="started"):
        control.set_ramp(replay, [2], 5, actor="ann", user=None)
