"""What the search field over letters takes, finds and refuses; on both databases."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from brokers.contract import Entry
from dlq import payloads
from dlq.filters import LetterFilter
from dlq.models import Letter
from dlq.search import SearchError, terms
from kit import clock
from tests.dlq.browser import client, html, taken
from tests.dlq.letters import dead


def letter(number: int, body: object, **headers: str) -> Entry:
    entry = dead(number, seconds=number)
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return structs.replace(entry, body=raw, headers={**entry.headers, **headers})


@pytest.fixture
def letters(db: None) -> None:
    taken(
        letter(1, {"total": "79.60", "lines": [{"sku": "a-1"}], "gift": True, "0": "zero"}),
        letter(2, {"total": 120, "currency": "EUR", "note": "50%_off", "when": "2026-01-02"}),
        letter(3, {"total": -3.5, "currency": "usd"}, **{"tenant": "north"}),
        letter(4, b"<html>", **{"tenant": "NORTH"}),
        letter(5, b'{"bad": "\\u0000", "total": 500}'),
    )
    Letter.objects.filter(event_id="e-2").update(attempts=9, died_at=clock.now())
    Letter.objects.filter(event_id="e-3").update(
        error_message="no stock left", died_at=clock.now() - timedelta(hours=3)
    )


FOUND: list[tuple[str, set[str]]] = [
    ("", {"e-1", "e-2", "e-3", "e-4", "e-5"}),
    ("no stock", {"e-3"}),
    ('"no stock"', {"e-3"}),
    ("stock no", {"e-3"}),
    ('"stock no"', set()),
    ("event=e-2", {"e-2"}),
    ("event:E-", {"e-1", "e-2", "e-3", "e-4", "e-5"}),
    ("event!=e-2", {"e-1", "e-3", "e-4", "e-5"}),
    ("tries>5", {"e-2"}),
    ("tries<=5", {"e-1", "e-3", "e-4", "e-5"}),
    ("tries:9", {"e-2"}),
    ("age<1h", {"e-2"}),
    ("age>2h event=e-3", {"e-3"}),
    ("header:tenant=north", {"e-3"}),
    ("header:tenant:nor", {"e-3", "e-4"}),
    ("/total>100", {"e-2"}),
    ("/total>=79.6", {"e-1", "e-2"}),
    ("/total<0", {"e-3"}),
    ("/total=79.6", {"e-1"}),
    ("/total=79.60", {"e-1"}),
    ("/total=120", {"e-2"}),
    ("/currency=EUR", {"e-2"}),
    ("/currency:eu", {"e-2"}),
    ("/currency:US", {"e-3"}),
    ("/currency!=EUR", {"e-1", "e-3", "e-4", "e-5"}),
    ("/lines/0/sku=a-1", {"e-1"}),
    ("/gift=true", {"e-1"}),
    ("/note:%_", {"e-2"}),
    ("/note:50!", set()),
    ("/when>2000", set()),
    ("/nowhere=1", set()),
    ("/total>0 /currency=EUR tries>5", {"e-2"}),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("text", "events"), FOUND, ids=[text or "nothing" for text, _ in FOUND])
def test_what_is_found(letters: None, text: str, events: set[str]) -> None:
    found = LetterFilter(q=text).apply(Letter.objects.all())
    assert set(found.values_list("event_id", flat=True)) == events


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("colour=red", "there is no field colour; there are error"),
        ("tries>many", "compared with a number"),
        ("error>5", "compared by : (contains)"),
        ("age=5", "compared by < or >"),
        ("age>soon", "an age is a number with s, m, h or d"),
        ("/total>much", "compared with a number"),
        ("tries>", "needs a value"),
        ("/card/number=4111", "masked"),
        ("/customer/password:a", "masked"),
        ("header:authorization:Bearer", "masked"),
        (" ".join("abcdefghijklmnopqrstu"), "more than 20 terms"),
        ("/" + "/".join("abcdefghijklmnopq") + "=1", "at most 16 steps"),
    ],
)
def test_what_is_refused_says_what_can_be_said(text: str, words: str) -> None:
    with pytest.raises(SearchError, match=words.replace("(", r"\(").replace(")", r"\)")):
        terms(text)
    assert words.split(";", maxsplit=1)[0] in LetterFilter(q=text).trouble


@given(st.text(max_size=80))
def test_any_text_is_terms_or_a_refusal(text: str) -> None:
    try:
        assert isinstance(terms(text), list)
    except SearchError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("payload", "searchable"),
    [
        (b'{"a": 1}', True),
        ('{"a": "é \\ud83d\\ude00"}'.encode(), True),
        (b'{"a": "\\u0000"}', False),
        (b'{"a": "\\ud83d"}', False),
        (b'{"a": "\xff"}', False),
        (b"<html>", False),
        (b"", False),
        (None, False),
    ],
)
def test_which_payloads_databases_read(payload: bytes | None, searchable: bool) -> None:
    assert payloads.is_searchable(payload) is searchable


@pytest.mark.django_db
def test_words_that_mean_nothing_match_nothing_and_the_page_says_so(letters: None) -> None:
    assert not LetterFilter(q="colour=red").apply(Letter.objects.all()).exists()
    group = Letter.objects.get(event_id="e-1").group_id
    page = html(client().get(reverse("dlq:group", args=[group]), {"q": "colour=red"}))
    assert "there is no field colour" in page
    answer = client().get("/api/dead-letters", {"q": "colour=red"})
    assert answer.status_code == 422
    with pytest.raises(CommandError, match="colour"):
        call_command("dlq", "list", "--q", "colour=red")


@pytest.mark.django_db
def test_an_export_is_what_the_list_shows_masked(letters: None) -> None:
    Letter.objects.filter(event_id="e-2").update(error_message="=cmd mail ann@example.org")
    answer = client().get(reverse("dlq:export", args=["csv"]), {"q": "/total>100"})
    text = b"".join(answer).decode()
    head, row = text.splitlines()
    assert head.startswith("id,state,consumer")
    assert "'=cmd mail a••••@example.org" in row
    assert answer["Content-Disposition"] == 'attachment; filename="dead-letters.csv"'

    out = StringIO()
    call_command("dlq", "list", "--format", "ndjson", "--q", "/currency:u", stdout=out)
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    assert {row["event_id"] for row in rows} == {"e-3", "e-2"}
    assert {json.loads(row["payload"])["total"] for row in rows} == {120, -3.5}
    assert client().get(reverse("dlq:export", args=["xls"])).status_code == 404


@pytest.mark.django_db
def test_an_export_is_read_by_pages(letters: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dlq.export.CHUNK", 2)
    answer = client().get(reverse("dlq:export", args=["ndjson"]))
    rows = b"".join(answer).decode().splitlines()
    assert len(rows) == 5
    monkeypatch.setattr("dlq.export.MOST", 3)
    answer = client().get(reverse("dlq:export", args=["ndjson"]))
    assert len(b"".join(answer).decode().splitlines()) == 3
