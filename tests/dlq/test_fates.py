"""Every class of a plan, what is chosen for it by itself, and what a person chooses."""

from datetime import timedelta
from typing import Any

import pytest

from dlq import classes, control, plan
from dlq.filters import LetterFilter
from dlq.models import Item, Letter, Replay
from dlq.refusals import Refused
from dlq.words import Choice, Fate
from kit import clock
from tests.dlq import scene
from tests.dlq.scene import Scene, pump, run, states

pytestmark = pytest.mark.django_db


def planned(**options: Any) -> Replay:
    made = plan.freeze(LetterFilter(), actor="ann", user=None, reason="1.8.1", **options)
    classes.classify_all(made.pk)
    made.refresh_from_db()
    return made


def fates() -> dict[str, str]:
    """Event -> its class in the newest plan."""
    newest = Replay.objects.order_by("-pk").values("pk")[:1]
    rows = Item.objects.filter(replay__in=newest)
    return dict(rows.values_list("letter__event_id", "fate"))


def test_every_letter_is_in_one_class(shop: Scene) -> None:
    shop.die(1, 2, 3, 4, 5)
    shop.publish(9, key="order-2", kind="OrderCancelled")
    shop.handle()
    first = shop.originals[3]
    fields = {b"ce-source": b"/orders", b"ce-id": b"e-3"}
    shop.receipt(first, fields, "succeeded")  # handled another way
    shop.letters()
    past = clock.rfc3339(clock.now() - timedelta(hours=1))
    letter = Letter.objects.get(event_id="e-4")
    Letter.objects.filter(pk=letter.pk).update(headers={**letter.headers, "ce-expirytime": past})
    Letter.objects.filter(event_id="e-5").update(consumer="")
    replay = planned()

    assert fates() == {
        "e-1": "ready",
        "e-2": "superseded",
        "e-3": "already_succeeded",
        "e-4": "expired",
        "e-5": "no_target",
    }
    assert states(replay) == ["waiting", "stays", "stays", "stays", "stays"]
    assert all(item.why for item in replay.items.exclude(fate="ready"))
    found = {one.name: one for one in classes.classes(replay)}
    assert sum(one.letters for one in found.values()) == 5
    assert found[Fate.EXPIRED].examples == [f"it was good until {past}"]


@pytest.mark.parametrize("text", ["lunchtime", "2999-01-01T00:00:00Z", ""])
def test_what_has_not_expired_is_ready(shop: Scene, text: str) -> None:
    shop.die(1)
    (letter,) = shop.letters()
    Letter.objects.update(headers={**letter.headers, "ce-expirytime": text})
    planned()
    assert fates() == {"e-1": "ready"}


def test_poison_is_quarantined_until_an_admin_releases_it(shop: Scene) -> None:
    shop.die(1, 2)
    for _ in range(3):
        run(*shop.letters()[:1])
        pump()
        shop.handle("dead_lettered")
        scene.settle(shop)
    replay = planned()
    assert fates() == {"e-1": "replayed_often", "e-2": "ready"}
    assert "replays did not mend it" in replay.items.get(fate="replayed_often").why

    who: Any = {"actor": "ann", "user": None}
    for choice in (Choice.SEND, Choice.ASK):
        with pytest.raises(Refused, match="quarantined"):
            control.choose(replay, Fate.OFTEN, choice, **who)
    with pytest.raises(Refused, match="quarantined"):
        control.start(replay, choices={"replayed_often": "send"}, **who)
    control.choose(replay, Fate.OFTEN, Choice.SEND, may_release=True, **who)
    with pytest.raises(Refused, match="quarantined"):
        control.start(replay, **who)
    control.start(replay, may_release=True, **who)
    pump()
    assert states(replay) == ["sent", "sent"]


def test_a_group_that_fails_and_fails_is_quarantined_too(shop: Scene) -> None:
    shop.die(1, 2)
    for _ in range(5):
        replay = run(*shop.letters()[:1], choices={"replayed_often": "skip"})
        Item.objects.filter(replay=replay).update(state="failed_again", settled_at=clock.now())
        Replay.objects.filter(pk=replay.pk).update(state="done")
    planned()
    assert fates()["e-2"] == "replayed_often"
    Item.objects.update(settled_at=clock.now() - timedelta(days=2))
    planned()
    assert fates()["e-2"] == "ready"


def test_what_is_asked_about_waits_until_the_others_are_through(shop: Scene) -> None:
    shop.die(1, 2)
    shop.publish(9, key="order-1", kind="OrderCancelled")
    shop.handle()
    shop.letters()
    replay = planned()
    control.choose(replay, Fate.SUPERSEDED, Choice.ASK, actor="ann", user=None)
    assert states(replay) == ["held", "waiting"]
    replay.refresh_from_db()
    control.start(replay, actor="ann", user=None)
    pump()
    assert states(replay) == ["held", "sent"]
    shop.handle()
    scene.settle(shop)
    pump()
    replay.refresh_from_db()
    assert (replay.state, replay.plan["stopped"]) == (
        "paused",
        "what is left waits for your word",
    )
    control.decide(replay, Fate.SUPERSEDED, send=True, actor="ann", user=None)
    pump()
    assert states(replay) == ["sent", "succeeded"]
    with pytest.raises(Refused, match="Nothing is held"):
        control.decide(replay, Fate.SUPERSEDED, send=True, actor="ann", user=None)


def test_what_is_held_can_stay_and_the_replay_is_done(shop: Scene) -> None:
    shop.die(1)
    shop.publish(9, key="order-1")
    shop.handle()
    shop.letters()
    replay = planned(choices={"superseded": "ask"})
    control.start(replay, actor="ann", user=None)
    pump()
    replay.refresh_from_db()
    assert replay.state == "paused"
    control.decide(replay, Fate.SUPERSEDED, send=False, actor="ann", user=None)
    pump()
    replay.refresh_from_db()
    assert (replay.state, states(replay)) == ("done", ["stays"])
    assert Letter.objects.get().state == "dead"


def test_a_cancelled_replay_holds_nothing(shop: Scene) -> None:
    shop.die(1)
    shop.publish(9, key="order-1")
    shop.handle()
    shop.letters()
    replay = planned(choices={"superseded": "ask"})
    control.start(replay, actor="ann", user=None)
    control.cancel(replay, actor="ann", user=None, reason="enough")
    assert states(replay) == ["unsent"]


def test_there_is_nothing_to_choose_without_a_target(shop: Scene) -> None:
    shop.die(1)
    shop.letters()
    replay = planned()
    for fate in (Fate.NOWHERE, Fate.CHANGED):
        with pytest.raises(Refused, match="nothing to choose"):
            control.choose(replay, fate, Choice.SEND, actor="ann", user=None)
