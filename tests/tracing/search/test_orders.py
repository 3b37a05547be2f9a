"""The orders page, the API and the terminal, asked the same."""

import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from kit.models import User
from tests.tracing.making import event, receipt
from tests.tracing.seeding import seed
from tracing import listing, summariser
from tracing.search import index

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "hunter2"


@pytest.fixture
def client() -> Client:
    """A person who may read."""
    client = Client()
    client.force_login(User.objects.create_user("viewer", role="viewer"))
    return client


@pytest.fixture
def page(client: Client) -> Callable[[str], str]:
    """The text of a page that answers 200."""

    def fetch(url: str) -> str:
        response = client.get(url)
        assert response.status_code == 200, response.content
        return response.content.decode()

    return fetch


def orders(number: int, start: int = 0) -> None:
    """So many orders; payment fails at every third."""
    for n in range(start, start + number):
        flow_id = f"flow-{n:03}"
        body = {"number": n, "kind": "odd" if n % 2 else "even", "password": SECRET}
        data = json.dumps(body).encode()
        row = event(f"e{n}", "OrderPlaced", n, flow_id=flow_id)
        error: dict[str, Any] = (
            {"error_type": "KeyError", "error_message": "currency"} if n % 3 == 0 else {}
        )
        outcome = "dead_lettered" if error else "succeeded"
        told = receipt(f"e{n}", "payment", outcome, n, flow_id=flow_id, **error)
        seed([row], [told], keys=(f"order:{n}",), body=data, size=len(data))
    summariser.summarise_all()
    while index.index_batch():
        pass


def listed(**filters: str) -> dict[str, Any]:
    """What the terminal lists, as JSON."""
    out = io.StringIO()
    options = [f"--{name}={value}" for name, value in filters.items()]
    call_command("cascade", "--list", "--json", *options, stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


ASKED = [
    ({"status": "failed", "consumer": "payment", "text": "odd"}, ["flow-009", "flow-003"]),
    ({"error": "keyerror curr*", "last": "15m"}, []),
    ({"text": '"odd" -9', "error": "KeyError"}, ["flow-003"]),
    ({"type": "OrderPlaced", "q": "order:4"}, ["flow-004"]),
    ({"text": SECRET}, []),
]


@pytest.mark.parametrize(("filters", "expected"), ASKED)
def test_page_api_and_terminal_find_the_same(
    client: Client, page: Callable[[str], str], filters: dict[str, str], expected: list[str]
) -> None:
    orders(12)
    answer = client.get("/api/cascades", filters).json()
    assert [one["correlation_id"] for one in answer["items"]] == expected
    assert listed(**filters) == answer
    text = page("/orders?" + "&".join(f"{name}={value}" for name, value in filters.items()))
    assert [n for n in range(12) if f"/orders/flow-{n:03}" in text] == sorted(
        int(name[-3:]) for name in expected
    )


def test_what_matched_is_shown_marked_and_masked(
    client: Client, page: Callable[[str], str]
) -> None:
    orders(4)
    text = page("/orders?text=odd")
    assert "<mark>odd</mark>" in text
    assert SECRET not in text
    search = client.get("/api/cascades?text=odd").json()["search"]
    assert [one["snippet"] for one in search["matches"]] == ["3 · odd", "1 · odd"]
    assert (search["more"], search["behind"]) == (False, 0)
    assert client.get("/api/cascades").json()["search"] is None


def test_it_is_told_how_far_the_index_is_and_that_older_ones_match(
    page: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "NEWEST", 2)
    orders(6)
    seed([event("new", "OrderPlaced", 9, flow_id="new")], [])
    text = page("/orders?text=odd")
    assert re.search(r"1\sevent behind", text)
    assert "there are older ones" in text


@pytest.mark.parametrize("text", ["-odd", '"', "a*", "x" * 300, "' OR 1=1 --", "NEAR(a", "\x00"])
def test_strange_words_are_never_an_error_of_the_server(client: Client, text: str) -> None:
    orders(2)
    for field in ("text", "error"):
        assert client.get("/orders", {field: text}).status_code == 200
        assert client.get("/api/cascades", {field: text}).status_code in (200, 400)


def test_what_cannot_be_asked_says_what_to_do(client: Client, page: Callable[[str], str]) -> None:
    answer = client.get("/api/cascades?text=-odd")
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (400, "text")
    assert "name a word that must be there" in page("/orders?text=-odd")
    with pytest.raises(CommandError, match="name a word"):
        listed(text="-odd")
    with pytest.raises(CommandError, match="2026-08-18T14:00Z"):
        listed(since="yesterday")
    with pytest.raises(CommandError, match="--list"):
        call_command("cascade")


def test_every_filter_is_a_token_that_can_be_taken_away(page: Callable[[str], str]) -> None:
    orders(3)
    text = page(
        "/orders?status=failed&consumer=payment&since=2026-01-01T00:00&sort=oldest&key=order:0"
    )
    assert 'href="?key=order%3A0&amp;consumer=payment&amp;since=' in text  # without the status
    assert 'aria-label="Take away status failed"' in text
    assert '<input type="hidden" name="key" value="order:0">' in text
    assert text.count('class="tok"') == 4


def test_an_empty_list_names_the_filter_that_keeps_all_out(page: Callable[[str], str]) -> None:
    orders(6)
    text = page("/orders?status=failed&text=nothing")
    assert "Without <b>words in payloads nothing</b>: 2 orders" in text
    assert 'href="?status=failed"' in text
    assert "it takes two away" in page("/orders?status=quiet&text=nothing&error=nothing")


def test_pages_go_on_and_back_and_from_the_oldest(page: Callable[[str], str]) -> None:
    orders(60)
    first = page("/orders")
    assert "60 orders" in first
    assert 'rel="prev"' not in first
    oldest = page("/orders?sort=oldest")
    assert oldest.index("flow-000") < oldest.index("flow-001")
    assert 'aria-sort="ascending"' in oldest


def test_a_search_asks_as_many_queries_for_many_as_for_one(client: Client) -> None:
    url = "/orders?text=odd&consumer=payment&error=keyerror&type=OrderPlaced"
    orders(4)
    asked = []
    for more in (0, 30):
        orders(more, start=4)
        client.get(url)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code == 200
        asked.append(len(queries))
    assert asked[0] == asked[1]


def test_the_terminal_prints_a_line_an_order_with_what_matched() -> None:
    orders(4)
    out = io.StringIO()
    call_command("cascade", "--list", "--text=odd", "--limit=1", stdout=out)
    lines = out.getvalue().splitlines()
    assert "failed    order:3" in lines[0]
    assert lines[1].strip() == "OrderPlaced: 3 · odd"
    assert lines[2] == "2 orders"
    assert lines[3].startswith("more: --cursor ")
