"""The pages: what they show and to whom, and at what cost."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from brokers.contract import Entry
from dlq import editing, intake
from dlq.models import Group, Letter, Revision
from kit.models import AuditEntry
from kit.writes import writing
from tests.dlq import rows
from tests.dlq.browser import client, configured, html, on_queue, region, taken
from tests.dlq.letters import dead, poison

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _shop(redis_url: str) -> Iterator[None]:
    with configured(redis_url):
        yield


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
    again = region(person, url, "div#groups", first["HX-PTag"])
    assert again.status_code == 304
    with writing():
        intake.take([dead(9)])
    changed = region(person, url, "div#groups", first["HX-PTag"])
    assert changed.status_code == 200


def test_letters_that_came_since_wait_until_they_are_asked_for() -> None:
    letters = taken()
    group = Group.objects.get()
    url = f"{reverse('dlq:group', args=[group.pk])}?after={letters[-1].pk}"
    assert "came" not in html(region(client(), url, "div#fresh"))
    with writing():
        intake.take([dead(8), dead(9)])
    assert "2 letters came, show them" in html(region(client(), url, "div#fresh"))


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
