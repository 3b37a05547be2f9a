"""Posting events with a token of the scope `ingest`, to the views and to the real web server."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from kit.models import ApiToken, User
from tests.support.web import RunningWeb
from tests.tracing.posting import ONE, Post
from tracing.receivers import group_commit


@pytest.fixture
def no_thread_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The thread of the group commit ends before the database is emptied."""
    monkeypatch.setattr(group_commit, "IDLE_S", 0.05)
    yield
    for thread in threading.enumerate():
        if thread.name == "group-commit":
            thread.join(30)


@pytest.fixture
def token() -> str:
    """A token that may send."""
    user = User.objects.create_user("shop", role="viewer")
    return ApiToken.issue(user, "shop", ["ingest"])[1]


@pytest.fixture
def post(token: str, no_thread_is_left: None) -> Post:
    """Post a body to /api/events with the token."""

    def send(body: Any, kind: str = ONE, **headers: str) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {"authorization": f"Bearer {token}", **headers}
        return Client().post("/api/events", data, content_type=kind, headers=named)

    return send


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningWeb, str]]:
    """The product's own web server on a store of its own, and a token."""
    web = RunningWeb(tmp_path_factory.mktemp("served") / "var", WEBHOOK_ORIGINS="a.example")
    token = web.prepare()
    with web:
        yield web, token
