"""The pages: what they show and to whom, what their forms do, and at what cost."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from redis import Redis

from brokers import config as configuration
from brokers import connect
from brokers.config import BrokerConfig, Config, Value
from brokers.contract import Entry
from dlq import editing, intake, states
from dlq.models import Group, Item, Letter, Replay, Revision
from dlq.words import ItemState, LetterState
from kit.models import AuditEntry, User
from kit.writes import writing
from tests.dlq import rows
from tests.dlq.letters import dead, poison

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _shop(redis_url: str) -> Iterator[None]:
    broker = BrokerConfig(name="shop", url=redis_url, tap=True, replay=True)
    value = Value(amount="/total", currency="/currency", default_currency="EUR")
    configuration.use(lambda: Config(brokers=(broker,), keys={"order": "/order_id"}, value=value))
    connect.connect.cache_clear()
    yield
    configuration.use(Config)
    connect.connect.cache_clear()


def client(role: str = "operator") -> Client:
    user, _ = User.objects.get_or_create(username=role, defaults={"role": role})
    made = Client()
    made.force_login(user)
    return made


def taken(*entries: Entry) -> list[Letter]:
    with writing():
        intake.take(entries or [dead(1), dead(2, seconds=1), dead(3, seconds=2)])
    return list(Letter.objects.order_by("pk"))


def on_queue(redis_url: str, entry: Entry) -> Letter:
    """A letter whose message and copy lie on a real broker."""
    redis = Redis.from_url(redis_url)
    original = {k: v for k, v in entry.headers.items() if not k.startswith("dead-letter-")}
    redis.xgroup_create("orders.0", "payment", mkstream=True)
    redis.xadd("orders.0", {**original, "data": entry.body or b""}, id="1-0")
    redis.xadd(entry.stream, {**entry.headers, "data": entry.body or b""}, id=entry.position)
    return taken(entry)[0]


def html(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.content.decode()).replace("\N{NO-BREAK SPACE}", " ")


def region(of: Client, url: str, target: str, **headers: str) -> Any:
    return of.get(
        url,
        headers={"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": target} | headers,
    )


# groups


def test_groups_are_listed_by_blast_radius_with_their_cause() -> None:
    taken(dead(1), dead(2), poison(1))
    page = html(client().get(reverse("dlq:groups")))
    assert page.index("KeyError &#x27;currency&#x27; in order_amount()") < page.index(
        "not readable"
    )
    assert "EUR 179.80" in page
    assert "unknown" in page  # nothing is known of the money of the poison


def test_the_filters_of_groups_are_in_the_url() -> None:
    taken(dead(1), dead(2, consumer="analytics"))
    url = reverse("dlq:groups")
    assert html(client().get(url, {"consumer": "analytics"})).count('id="group-') == 1
    assert html(client().get(url, {"q": "nothing like it"})).count("No group matches") == 1
    assert html(client().get(url, {"state": "settled"})).count("No settled groups") == 1


def test_without_any_letter_the_page_says_so() -> None:
    assert "No dead letters" in html(client().get(reverse("dlq:groups")))


def test_a_group_says_its_cause_in_words_and_lists_its_letters() -> None:
    taken()
    group = Group.objects.get()
    page = html(client().get(reverse("dlq:group", args=[group.pk])))
    assert "payment fails with KeyError &#x27;currency&#x27; in order_amount()" in page
    assert "payment/capture.py:88" in page
    assert page.count('id="letter-') == 3
    assert "Plan replay of all 3" in page


def test_a_group_that_is_not_there_is_a_404() -> None:
    assert client().get(reverse("dlq:group", args=[99])).status_code == 404


def test_a_live_region_answers_304_until_something_changed() -> None:
    taken()
    url, person = reverse("dlq:groups"), client()
    first = region(person, url, "div#groups")
    assert b"<html" not in first.content
    again = region(person, url, "div#groups", **{"HX-PTag": first["HX-PTag"]})
    assert again.status_code == 304
    with writing():
        intake.take([dead(9)])
    changed = region(person, url, "div#groups", **{"HX-PTag": first["HX-PTag"]})
    assert changed.status_code == 200


def test_letters_that_came_since_wait_until_they_are_asked_for() -> None:
    letters = taken()
    group = Group.objects.get()
    url = f"{reverse('dlq:group', args=[group.pk])}?after={letters[-1].pk}"
    assert "came" not in html(region(client(), url, "div#fresh"))
    with writing():
        intake.take([dead(8), dead(9)])
    assert "2 letters came, show them" in html(region(client(), url, "div#fresh"))


# one letter


def test_a_letter_shows_why_it_died_and_masks_its_secrets() -> None:
    entry = dead(1)
    body = b'{"order_id": "1", "total": "5.00", "card_token": "tok_4c1e"}'
    letter = taken(Entry("shop", entry.stream, "orders", "5-0", rows.NOW, entry.headers, body))[0]
    page = html(client().get(reverse("dlq:letter", args=[letter.pk])))
    assert "OrderPlaced of order 1" in page
    assert "5 of 5 attempts failed" in page
    assert "order_amount" in page
    assert "x-channel" in page
    assert "tok_4c1e" not in page
    assert "Unknown what its attempts did" in page  # no receipt was seen: not "nothing"


def test_a_message_that_is_no_envelope_has_a_page() -> None:
    letter = taken(poison(1))[0]
    page = html(client().get(reverse("dlq:letter", args=[letter.pk])))
    assert "Message on supplier.1" in page
    assert "502 Bad Gateway" in page
    assert "belongs to no cascade" in page


def test_a_revision_is_shown_beside_the_original() -> None:
    letter = taken(dead(1))[0]
    editing.revise(
        letter, '{"order_id": "1", "total": "89.90", "currency": "EUR"}', None, "why", "ann"
    )
    page = html(client().get(reverse("dlq:letter", args=[letter.pk])))
    assert "1 line changed" in page or "2 lines changed" in page
    assert "Revision 1" in page
    assert "add /currency" in page


def test_the_neighbours_are_those_of_the_list_it_was_opened_from() -> None:
    newest = max(taken(), key=lambda letter: letter.died_at)
    page = html(client().get(reverse("dlq:letter", args=[newest.pk]), {"state": "dead"}))
    assert "Older letter" in page
    assert "Newer letter" not in page


def test_a_viewer_reads_and_is_offered_nothing_else() -> None:
    letter = taken(dead(1))[0]
    page = html(client("viewer").get(reverse("dlq:letter", args=[letter.pk])))
    assert "You can read, not replay" in page
    assert "Discard" not in page
    group = html(client("viewer").get(reverse("dlq:group", args=[letter.group_id])))
    assert "Plan replay" not in group


def test_where_a_replay_would_go_is_asked_of_the_broker(redis_url: str) -> None:
    letter = on_queue(redis_url, dead(1))
    url = reverse("dlq:letter", args=[letter.pk])
    answer = html(region(client(), url, "span#letter-way"))
    assert 'to <b class="strong">payment</b> only' in answer


# the editor


def edit(letter: Letter, person: Client | None = None, **values: Any) -> Any:
    names = [name for name in letter.headers if name not in editing.LOCKED]
    given = {
        "version": letter.version,
        "payload": '{"order_id": "1", "total": "89.90", "currency": "EUR"}',
        "header_name": names,
        "header_value": [letter.headers[name] for name in names],
        "reason": "1.8.1 needs it",
        **values,
    }
    return (person or client()).post(reverse("dlq:letter_edit", args=[letter.pk]), given)


def test_the_editor_has_the_real_payload_and_is_not_cached() -> None:
    entry = dead(1)
    body = b'{"order_id": "1", "card_token": "tok_4c1e"}'
    letter = taken(Entry("shop", entry.stream, "orders", "5-0", rows.NOW, entry.headers, body))[0]
    answer = client().get(reverse("dlq:letter_edit", args=[letter.pk]))
    assert "tok_4c1e" in html(answer)
    assert answer["Cache-Control"] == "no-store"
    assert client("viewer").get(reverse("dlq:letter_edit", args=[letter.pk])).status_code == 403


def test_saving_keeps_a_revision_with_its_audit_entry() -> None:
    letter = taken(dead(1))[0]
    assert edit(letter).status_code == 302
    revision = Revision.objects.get()
    assert revision.payload_patch == [{"op": "add", "path": "/currency", "value": "EUR"}]
    assert revision.headers_patch == []
    entry = AuditEntry.objects.get(action="edit")
    assert (entry.actor, entry.reason) == ("operator", "1.8.1 needs it")


def test_what_is_wrong_is_answered_with_its_place_and_the_text_stays() -> None:
    letter = taken(dead(1))[0]
    answer = edit(letter, payload='{"order_id": "1",\n oops}')
    assert answer.status_code == 422
    assert "Line 2, column 2" in html(answer)
    assert "oops" in html(answer)
    assert edit(letter, reason="").status_code == 422
    assert not Revision.objects.exists()


def test_a_locked_header_in_a_forged_form_is_refused() -> None:
    letter = taken(dead(1))[0]
    answer = edit(letter, header_name=["ce-id"], header_value=["other"])
    assert answer.status_code == 422
    assert "ce-id is locked" in html(answer)


def test_an_edit_of_a_letter_that_changed_since_is_a_conflict() -> None:
    letter = taken(dead(1))[0]
    edit(letter)
    answer = edit(letter, payload='{"order_id": "1", "total": "1.00"}')
    assert answer.status_code == 422
    assert "changed since you began" in html(answer)
    assert Revision.objects.count() == 1


def test_a_check_shows_the_difference_and_keeps_nothing() -> None:
    letter = taken(dead(1))[0]
    answer = edit(letter, action="preview")
    assert "What changes" in html(answer)
    assert not Revision.objects.exists()


# actions


def test_every_action_needs_its_permission_and_a_post() -> None:
    letter = taken(dead(1))[0]
    replay = rows.replay(letter, plan={"classified_at": None, "receivers": []})
    item = Item.objects.get()
    urls = [
        reverse("dlq:letter_replay", args=[letter.pk]),
        reverse("dlq:letter_discard", args=[letter.pk]),
        reverse("dlq:plan"),
        reverse("dlq:discard"),
        reverse("dlq:replay_superseded", args=[replay.pk]),
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
    assert {e.action for e in AuditEntry.objects.all()} == {"replay.plan", "replay.start"}


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
    assert AuditEntry.objects.get().reason == "a test order"


def test_discarding_the_selected_leaves_the_others(redis_url: str) -> None:
    first = on_queue(redis_url, dead(1))
    with writing():
        intake.take([dead(2)])
    values = {"take": "chosen", "letter": [first.pk], "reason_chosen": "a test order"}
    client().post(reverse("dlq:discard"), values)
    assert sorted(Letter.objects.values_list("state", flat=True)) == ["dead", "discarded"]


# replays


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


# cost


@pytest.mark.parametrize("many", [3, 40])
def test_a_page_costs_the_same_number_of_queries_for_few_and_many(
    many: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    letters = taken(*[dead(n, seconds=n) for n in range(1, many + 1)])
    replay = rows.replay(*letters, state="running", started_at=rows.NOW, plan={"receivers": []})
    group, person = Group.objects.get(), client()
    person.get(reverse("dlq:groups"))
    for url, most in (
        (reverse("dlq:groups"), 12),
        (reverse("dlq:group", args=[group.pk]), 20),
        (reverse("dlq:letter", args=[letters[0].pk]), 30),
        (reverse("dlq:replays"), 10),
        (reverse("dlq:replay", args=[replay.pk]), 16),
    ):
        with django_assert_max_num_queries(most, info=url):
            assert person.get(url).status_code == 200
