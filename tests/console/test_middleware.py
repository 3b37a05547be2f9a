"""A stranger is shown the login on pages and a problem document on the API."""

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
