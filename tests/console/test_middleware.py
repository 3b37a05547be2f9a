"""A stranger is shown the login on pages and a problem document on the API."""

from typing import Any

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def test_a_page_asks_a_stranger_to_log_in(client: Client) -> None:
    answer = client.get("/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login?next=/")


def test_the_api_answers_a_stranger_itself(client: Client) -> None:
    answer = client.get("/api/cascades")
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/api/events", "/v1/traces"])
def test_senders_are_answered_without_what_pages_need(client: Client, path: str) -> None:
    answer = client.post(path, b"x", content_type="text/plain")
    assert answer.status_code == 401
    assert "Vary" not in answer
    assert "Content-Security-Policy" not in answer
    assert answer["Content-Length"] == str(len(answer.content))
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_senders_must_name_the_host_too(client: Client) -> None:
    assert client.post("/api/events", headers={"host": "evil.example"}).status_code == 400


def test_senders_are_sent_to_https_too(client: Client, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    answer = client.post("/api/events", b"x", content_type="text/plain")
    assert answer.status_code == 301
    assert answer["Location"].startswith("https://")
