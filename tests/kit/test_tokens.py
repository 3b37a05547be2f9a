"""Tokens asked for lately: no query for each request, and refused once they are taken back."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kit import clock, tokens
from kit.models import ApiToken, User

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _unknown() -> Iterator[None]:
    tokens.forget()
    yield
    tokens.forget()


@pytest.fixture
def person() -> User:
    return User.objects.create_user("shop", role="viewer")


def queries(token: str) -> int:
    """How many it takes to find this valid token."""
    with CaptureQueriesContext(connection) as asked:
        assert tokens.find(token)
    return len(asked)


def test_a_token_is_asked_for_once(person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    row, token = ApiToken.issue(person, "shop", ["ingest"])
    assert [queries(token), queries(token)] == [1, 0]
    found = tokens.find(token)
    assert found is not None
    assert (found.pk, found.user.username) == (row.pk, "shop")
    monkeypatch.setattr(tokens, "KEPT", 1)
    other = ApiToken.issue(person, "other", ["ingest"])[1]
    assert [queries(other), queries(token), queries(token)] == [1, 1, 0]
    assert len(tokens._known) == 1


def test_a_token_taken_back_is_refused_at_once(person: User) -> None:
    row, token = ApiToken.issue(person, "shop", ["ingest"])
    assert queries(token) == 1
    row.delete()
    assert tokens.find(token) is None
    row, token = ApiToken.issue(person, "shop", ["ingest"])
    assert queries(token) == 1
    person.is_active = False
    person.save()
    assert tokens.find(token) is None


def test_what_another_process_did_is_seen_soon(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, token = ApiToken.issue(person, "shop", ["ingest"])
    monkeypatch.setattr(tokens, "KEPT_S", 0.0)
    assert queries(token) == 1
    ApiToken.objects.filter(pk=row.pk).delete()  # sends a signal here, but not there
    tokens._known[ApiToken.hashed(token)] = (0.0, row)
    assert tokens.find(token) is None


def test_an_expiry_is_never_outlived(person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    token = ApiToken.issue(person, "shop", ["ingest"], timedelta(seconds=60))[1]
    assert queries(token) == 1
    later = clock.now() + timedelta(seconds=61)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert tokens.find(token) is None


def test_no_token_is_remembered_that_is_none() -> None:
    for number in range(10):
        assert tokens.find(f"cct_{number}") is None
    assert tokens._known == {}
