"""The ramp on the pages: chosen in the plan, seen in the progress, gone on with after a pause."""

import pytest
from django.urls import reverse

from dlq.models import Item, Replay
from tests.dlq import scene
from tests.dlq.browser import client, html
from tests.dlq.scene import Scene, pump, run

pytestmark = pytest.mark.django_db


def test_the_plan_shows_its_gates_and_lets_them_be_changed(shop: Scene) -> None:
    shop.die(*range(1, 9))
    letters = [str(letter.pk) for letter in shop.letters()]
    me = client()
    me.post(reverse("dlq:plan"), {"letter": letters})
    replay = Replay.objects.get()
    page = html(me.get(reverse("dlq:replay", args=[replay.pk])))
    assert "<b>1</b><span>first</span></li><li><b>5</b><span>next</span></li><li><b>2</b>" in page
    assert "when over 5 % of a gate fail again" in page

    me.post(reverse("dlq:replay_ramp", args=[replay.pk]), {"gates": "1", "most_failed": "20"})
    replay.refresh_from_db()
    assert (replay.ramp, replay.most_failed) == ([1], 20)
    page = html(me.get(reverse("dlq:replay", args=[replay.pk])))
    assert "<b>1</b><span>first</span></li><li><b>7</b><span>the rest</span>" in page
    wrong = {"gates": "many", "most_failed": "5"}
    answer = me.post(reverse("dlq:replay_ramp", args=[replay.pk]), wrong, follow=True)
    assert "Choose a ramp" in html(answer)


def test_each_class_has_its_choice_and_quarantine_is_for_an_admin(shop: Scene) -> None:
    shop.die(1, 2)
    shop.publish(9, key="order-1", kind="OrderCancelled")
    shop.handle()
    letters = [str(letter.pk) for letter in shop.letters()]
    me = client()
    me.post(reverse("dlq:plan"), {"letter": letters})
    replay = Replay.objects.get()
    url = reverse("dlq:replay", args=[replay.pk])
    assert "Replay 1 of 2 letters" in html(me.get(url))
    choose = reverse("dlq:replay_choose", args=[replay.pk])
    me.post(choose, {"class": "superseded", "choice": "ask"})
    assert "1 letter waits for your word" in html(me.get(url))
    assert Item.objects.get(fate="superseded").state == "held"
    wrong = me.post(choose, {"class": "unheard", "choice": "ask"}, follow=True)
    assert "Choose send, skip or ask" in html(wrong)

    Item.objects.filter(fate="superseded").update(fate="replayed_often", why="3 replays")
    assert 'aria-label="replayed_often"' not in html(me.get(url))
    refused = me.post(choose, {"class": "replayed_often", "choice": "send"}, follow=True)
    assert "quarantined" in html(refused)
    admin = client("admin")
    assert 'aria-label="replayed_often"' in html(admin.get(url))
    admin.post(choose, {"class": "replayed_often", "choice": "send"})
    assert Item.objects.get(fate="replayed_often").state == "waiting"


def test_what_is_held_is_decided_on_the_progress(shop: Scene) -> None:
    shop.die(1)
    shop.publish(9, key="order-1")
    shop.handle()
    replay = run(*shop.letters(), choices={"superseded": "ask"})
    pump()
    me = client()
    page = html(me.get(reverse("dlq:replay", args=[replay.pk])))
    assert "what is left waits for your word" in page
    assert "Wait for your word" in page
    decide = reverse("dlq:replay_decide", args=[replay.pk])
    me.post(decide, {"class": "superseded", "send": "yes"})
    pump()
    assert Item.objects.get().state == "sent"


def test_a_viewer_sees_the_ramp_and_cannot_change_it(shop: Scene) -> None:
    shop.die(1)
    (letter,) = shop.letters()
    client().post(reverse("dlq:plan"), {"letter": [str(letter.pk)]})
    replay = Replay.objects.get()
    viewer = client("viewer")
    assert "Change ramp" not in html(viewer.get(reverse("dlq:replay", args=[replay.pk])))
    url = reverse("dlq:replay_ramp", args=[replay.pk])
    assert viewer.post(url, {"gates": "1", "most_failed": "20"}).status_code == 403


def test_the_progress_says_why_it_paused_itself_and_sends_once_more(shop: Scene) -> None:
    shop.die(1, 2, 3)
    replay = run(*shop.letters(), gates=(1,), most_failed=5)
    pump()
    shop.handle("dead_lettered")
    scene.settle(shop)
    pump()
    me = client()
    page = html(me.get(reverse("dlq:replay", args=[replay.pk])))
    assert "It paused itself:</b> 1 failed again of 1: more than 5 %" in page
    assert '<b>1 letter</b><span class="small muted">1 failed again</span>' in page
    assert '<b>The other 2</b><span class="small muted">closed</span>' in page
    assert "send the 1 that failed once more" in page

    me.post(reverse("dlq:replay_move", args=[replay.pk, "resume"]), {"again": "yes"})
    assert Item.objects.filter(state="waiting").count() == 3
    pump()
    shop.handle()
    scene.settle(shop)
    pump()
    page = html(me.get(reverse("dlq:replay", args=[replay.pk])))
    assert "1 of 1 succeeded" in page
    assert "It paused itself" not in page
