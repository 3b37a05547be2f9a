"""What the forms of the pages do: replay, plan, discard, steer, settle; and what replays show."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse
from redis import Redis

from dlq import intake, states
from dlq.models import Item, Letter, Replay
from dlq.words import ItemState, LetterState
from kit.models import AuditEntry
from kit.writes import writing
from tests.dlq import rows
from tests.dlq.browser import client, configured, html, on_queue, taken
from tests.dlq.letters import dead

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _shop(redis_url: str) -> Iterator[None]:
    with configured(redis_url):
        yield


def test_every_action_needs_its_permission_and_a_post() -> None:
    letter = taken(dead(1))[0]
    replay = rows.replay(letter, plan={"classified_at": None, "receivers": []})
    item = Item.objects.get()
    urls = [
        reverse("dlq:letter_replay", args=[letter.pk]),
        reverse("dlq:letter_discard", args=[letter.pk]),
        reverse("dlq:plan"),
        reverse("dlq:discard"),
        reverse("dlq:replay_choose", args=[replay.pk]),
        reverse("dlq:replay_decide", args=[replay.pk]),
        reverse("dlq:replay_ramp", args=[replay.pk]),
        reverse("dlq:replay_rate", args=[replay.pk]),
        *(reverse("dlq:replay_move", args=[replay.pk, verb]) for verb in ("start", "cancel")),
        reverse("dlq:item_settle", args=[item.pk]),
    ]
    for url in urls:
        assert client("viewer").post(url).status_code == 403, url
        assert client().get(url).status_code == 405, url
        assert Client().post(url).status_code == 302, url  # to the login
    assert Letter.objects.get().state == LetterState.DEAD


def test_one_letter_is_replayed_at_once(redis_url: str) -> None:
    letter = on_queue(redis_url, dead(1))
    url = reverse("dlq:letter_replay", args=[letter.pk])
    answer = client().post(url, {"version": letter.version})
    assert answer.status_code == 302
    replay = Replay.objects.get()
    assert (replay.state, replay.actor) == ("running", "operator")
    page = html(client().get(answer["Location"]))
    assert f"in replay {replay.pk}, to be sent" in page
    assert {e.action for e in AuditEntry.objects.exclude(action="logged in")} == {
        "replay.plan",
        "replay.start",
    }


def test_a_letter_that_changed_meanwhile_is_not_replayed(redis_url: str) -> None:
    letter = on_queue(redis_url, dead(1))
    client().post(reverse("dlq:letter_replay", args=[letter.pk]), {"version": letter.version + 1})
    assert not Replay.objects.exists()


def test_all_that_match_means_what_the_page_showed(redis_url: str) -> None:
    first = on_queue(redis_url, dead(1))
    with writing():
        intake.take([dead(2)])
    values = {"take": "all", "group": first.group_id, "state": "open", "upto": first.pk}
    answer = client().post(reverse("dlq:plan"), values)
    replay = Replay.objects.get()
    assert answer["Location"] == reverse("dlq:replay", args=[replay.pk])
    assert [item.letter_id for item in replay.items.all()] == [first.pk]


def test_the_plan_says_who_receives_it_and_starts_with_a_reason(redis_url: str) -> None:
    letter = on_queue(redis_url, dead(1))
    person = client()
    person.post(reverse("dlq:plan"), {"take": "chosen", "letter": [letter.pk]})
    replay = Replay.objects.get()
    url = reverse("dlq:replay", args=[replay.pk])
    page = html(person.get(url))
    assert "Replay 1 of 1 letter to payment" in page
    assert "payment, nobody else" in page
    person.post(reverse("dlq:replay_move", args=[replay.pk, "start"]), {"reason": ""})
    assert Replay.objects.get().state == "planned"
    person.post(reverse("dlq:replay_move", args=[replay.pk, "start"]), {"reason": "1.8.1"})
    assert Replay.objects.get().state == "running"
    assert "Replaying 1 letter to payment" in html(person.get(url))


def test_pause_resume_rate_and_cancel(redis_url: str) -> None:
    letter = on_queue(redis_url, dead(1))
    person = client()
    person.post(reverse("dlq:letter_replay", args=[letter.pk]), {"version": letter.version})
    replay = Replay.objects.get()
    for verb, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        person.post(reverse("dlq:replay_move", args=[replay.pk, verb]), {"reason": "look first"})
        assert Replay.objects.get().state == state
    assert Item.objects.get().state == "unsent"
    person.post(reverse("dlq:replay_rate", args=[replay.pk]), {"rate": "3"})
    assert Replay.objects.get().rate_per_s == 3
    person.post(reverse("dlq:replay_rate", args=[replay.pk]), {"rate": "17"})
    assert Replay.objects.get().rate_per_s == 3
    assert person.post(reverse("dlq:replay_move", args=[replay.pk, "explode"])).status_code == 404


def test_discarding_needs_a_reason_and_takes_the_copy_off_the_queue(redis_url: str) -> None:
    letter = on_queue(redis_url, dead(1))
    url = reverse("dlq:letter_discard", args=[letter.pk])
    client().post(url, {"reason_one": ""})
    assert Letter.objects.get().state == "dead"
    client().post(url, {"reason_one": "a test order"})
    assert Letter.objects.get().state == "discarded"
    assert Redis.from_url(redis_url).xlen("orders.payment.dlq") == 0
    assert AuditEntry.objects.exclude(action="logged in").get().reason == "a test order"


def test_discarding_the_selected_leaves_the_others(redis_url: str) -> None:
    first = on_queue(redis_url, dead(1))
    with writing():
        intake.take([dead(2)])
    values = {"take": "chosen", "letter": [first.pk], "reason_chosen": "a test order"}
    client().post(reverse("dlq:discard"), values)
    assert sorted(Letter.objects.values_list("state", flat=True)) == ["dead", "discarded"]


def test_progress_shows_the_exceptions_first_and_an_account_that_adds_up() -> None:
    group = rows.group()
    letters = [rows.letter(group) for _ in range(4)]
    replay = rows.replay(*letters, state="running", started_at=rows.NOW, plan={"receivers": []})
    outcomes = ["succeeded", "failed_again", "maybe_sent", "waiting"]
    for item, state in zip(replay.items.order_by("pk"), outcomes, strict=True):
        Item.objects.filter(pk=item.pk).update(state=state, evidence=f"it was {state}")
    page = html(client().get(reverse("dlq:replay", args=[replay.pk])))
    assert "1 succeeded, 1 failed again, 1 maybe sent, 1 to go" in page
    assert "it was failed_again" in page
    assert "it was maybe_sent" in page
    assert "it was succeeded" not in page
    assert "Settle…" in page
    shown = client().get(reverse("dlq:replay", args=[replay.pk]), {"show": "succeeded"})
    assert "it was succeeded" in html(shown)


def test_a_member_in_doubt_is_settled_by_hand(redis_url: str) -> None:
    letter = on_queue(redis_url, dead(1))
    with writing():
        states.move_letters([letter.pk], LetterState.REPLAYING, at=rows.NOW)
        states.move_letters([letter.pk], LetterState.MAYBE_SENT, at=rows.NOW)
    replay = rows.replay(letter, state="running", started_at=rows.NOW)
    Item.objects.update(state=ItemState.MAYBE_SENT, attempt="a-1")
    item = Item.objects.get()
    url = reverse("dlq:item_settle", args=[item.pk])
    client().post(url, {"sent": "no", "reason": ""})
    assert Item.objects.get().state == "maybe_sent"
    answer = client().post(url, {"sent": "no", "reason": "looked at the provider"})
    assert answer["Location"] == reverse("dlq:replay", args=[replay.pk])
    assert (Item.objects.get().state, Letter.objects.get().state) == ("unsent", "dead")


def test_the_list_of_replays_says_what_came_of_each() -> None:
    replay = rows.replay(rows.letter(), rows.letter(), state="done")
    Item.objects.update(state="succeeded")
    page = html(client().get(reverse("dlq:replays")))
    assert replay.title in page
    assert "2 succeeded" in page
    assert "No replay matches" in html(client().get(reverse("dlq:replays"), {"state": "paused"}))
