"""Deployments: said by API, command or the demo's switch, and drawn where time is."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from kit import clock, deployments
from kit.models import ApiToken, AuditEntry, Deployment, User
from tests.dlq.browser import client, html, taken
from tests.dlq.letters import dead

pytestmark = pytest.mark.django_db


def _api(*scopes: str) -> Client:
    user, _ = User.objects.get_or_create(username="ci", defaults={"role": "operator"})
    token = ApiToken.issue(user, "pipeline", list(scopes))[1]
    return Client(headers={"authorization": f"Bearer {token}"})


def _post(api: Client, body: dict[str, Any]) -> Any:
    return api.post("/api/deployments", json.dumps(body), content_type="application/json")


def test_a_pipeline_says_what_went_out_and_twice_is_once() -> None:
    api = _api("ingest")
    body = {"service": "payment", "release": "1.8.0", "at": "2026-08-18T13:58:00Z"}
    assert _post(api, body).json()["release"] == "1.8.0"
    assert _post(api, body).status_code == 201
    assert Deployment.objects.count() == 1
    assert AuditEntry.objects.get(action="deployment").actor == "ci (pipeline)"
    assert _post(api, {"service": "payment"}).status_code == 422
    assert _post(_api("read"), body).status_code == 403
    _post(api, {"service": "analytics", "release": "7"})
    listed = _api("read").get("/api/deployments?service=payment").json()
    assert [one["service"] for one in listed["items"]] == ["payment"]


def test_at_a_terminal() -> None:
    out = StringIO()
    call_command("deployment", "payment", "1.8.1", "--note", "currency", stdout=out)
    assert "payment 1.8.1  currency" in out.getvalue()
    out = StringIO()
    call_command("deployment", "--json", stdout=out)
    assert json.loads(out.getvalue())["items"][0]["release"] == "1.8.1"
    with pytest.raises(CommandError, match="which release"):
        call_command("deployment", "payment")
    with pytest.raises(CommandError):
        call_command("deployment", "payment", "1", "--at", "yesterday")


def test_marks_are_of_the_time_asked_for_the_newest_if_many() -> None:
    now = clock.now()
    for minute in range(12):
        at = now - timedelta(minutes=minute)
        deployments.record("payment", f"1.{minute}", at, actor="ci", user=None)
    marks = deployments.marks(now - timedelta(hours=1), now + timedelta(seconds=1))
    assert [mark["text"] for mark in marks] == [f"payment 1.{n}" for n in range(7, -1, -1)]
    assert deployments.marks(now - timedelta(hours=2), now - timedelta(hours=1)) == []


def test_a_group_began_after_the_deployment_before_it() -> None:
    (letter,) = taken(dead(1))
    first = letter.first_died_at
    for service, release, before in (
        ("payment", "1.7.0", timedelta(hours=7)),
        ("payment", "1.8.0", timedelta(minutes=4)),
        ("analytics", "9", timedelta(minutes=1)),
        ("payment", "1.8.1", timedelta(minutes=-9)),
    ):
        deployments.record(service, release, first - before, actor="ci", user=None)
    page = html(client().get(reverse("dlq:group", args=[letter.group_id])))
    assert 'began 4 min after <b class="strong">payment 1.8.0</b>' in page
    Deployment.objects.filter(release="1.8.0").delete()
    page = html(client().get(reverse("dlq:group", args=[letter.group_id])))
    assert "first seen in payment 1.8.0" in page


def test_it_is_drawn_on_the_trend(monkeypatch: pytest.MonkeyPatch) -> None:
    (letter,) = taken(dead(1))
    deployments.record("payment", "1.8.0", clock.now(), actor="ci", user=None)
    page = client().get(reverse("dlq:group", args=[letter.group_id])).content.decode()
    assert '"text": "payment 1.8.0"' in page
