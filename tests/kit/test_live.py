"""A page and its regions from one view: what is answered, and when it is 304."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from kit.live import respond

REGIONS = {"groups": "_groups.html"}
ASKING = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "section#groups"}


@pytest.fixture(autouse=True)
def _templates(tmp_path: Path, settings: Any) -> None:
    (tmp_path / "page.html").write_text('<html>{% include "_groups.html" %}</html>')
    (tmp_path / "_groups.html").write_text(
        '{% load console %}<section id="groups">'
        '{{ letters }} {% when died "ago" %}{% csrf_token %}</section>'
    )
    templates = [dict(settings.TEMPLATES[0])]
    templates[0]["DIRS"] = [tmp_path]
    templates[0]["OPTIONS"] = {}
    settings.TEMPLATES = templates


def _get(headers: Mapping[str, str], letters: int = 3, status: int = 200) -> HttpResponse:
    died = datetime(2026, 8, 18, 14, 0, tzinfo=UTC)
    request = RequestFactory().get("/", headers=dict(headers))
    return respond(request, "page.html", REGIONS, {"letters": letters, "died": died}, status)


def test_a_browser_gets_the_page() -> None:
    response = _get({})
    assert response.content.startswith(b"<html>")
    assert {"HX-Request-Type", "HX-Target"} <= set(response["Vary"].split(", "))


def test_back_gets_the_page_although_htmx_asks() -> None:
    assert _get({**ASKING, "HX-Request-Type": "full"}).content.startswith(b"<html>")


def test_a_target_that_is_no_region_gets_the_page() -> None:
    assert _get({**ASKING, "HX-Target": "div#other"}).content.startswith(b"<html>")


def test_a_region_is_answered_alone_and_304_while_it_is_the_same() -> None:
    first = _get(ASKING)
    assert first.content.startswith(b"<section")
    again = _get({**ASKING, "HX-PTag": first["HX-PTag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = _get({**ASKING, "HX-PTag": first["HX-PTag"]}, letters=4)
    assert other.status_code == 200
    assert other["HX-PTag"] != first["HX-PTag"]


def test_what_only_the_clock_moves_does_not_spoil_the_304(monkeypatch: pytest.MonkeyPatch) -> None:
    tags = set()
    for minute in (5, 6):
        now = datetime(2026, 8, 18, 14, minute, tzinfo=UTC)
        monkeypatch.setattr("kit.clock.now", lambda now=now: now)
        response = _get(ASKING)
        assert f"{minute}\N{NO-BREAK SPACE}min ago" in response.content.decode()
        tags.add(response["HX-PTag"])
    assert len(tags) == 1


def test_a_form_with_errors_is_never_304() -> None:
    response = _get(ASKING, status=422)
    assert response.status_code == 422
    assert not response.has_header("HX-PTag")
