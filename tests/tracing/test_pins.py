"""Pins, from page, API and terminal; and what a cut order shows in each."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from kit.models import ApiToken, AuditEntry, User
from tests.tracing.keeping import aged, configured, flow, order, summarised, sweep
from tracing import pins
from tracing.models import Flow

pytestmark = pytest.mark.django_db


def client_of(role: str) -> Client:
    client = Client()
    client.force_login(User.objects.create_user(role, role=role))
    return client


@pytest.fixture
def operator() -> Client:
    return client_of("operator")


@pytest.fixture
def cut() -> Iterator[None]:
    """flow-1 had ended and is cut off whole, flow-2 is pinned."""
    order(1, "OrderShipped")
    order(2, "OrderShipped")
    with configured(events="30d", receipts="40d"):
        summarised()
        pins.pin("flow-2", actor="ops", user=None)
        aged(timedelta(days=31), datetime.now(UTC))
        sweep()
        yield


def api(scope: str) -> dict[str, str]:
    user = User.objects.create_user(f"with-{scope}", role="operator")
    return {"authorization": f"Bearer {ApiToken.issue(user, scope, [scope])[1]}"}


def test_a_pin_from_the_page_is_audited_and_taken_off(operator: Client) -> None:
    order(1)
    summarised()
    page = operator.get("/orders/flow-1").content.decode()
    assert 'name="pinned" value="1"' in page
    answer = operator.post("/pins", {"flow": "flow-1", "pinned": "1"})
    assert (answer.status_code, answer["Location"]) == (302, "/orders/flow-1")
    assert (flow(1).pinned_by, flow(1).pinned_at is not None) == ("operator", True)
    page = operator.get("/orders/flow-1").content.decode()
    assert "pinned by operator" in page
    assert 'name="pinned" value="0"' in page
    operator.post("/pins", {"flow": "flow-1", "pinned": "1"})  # again: nothing happens
    operator.post("/pins", {"flow": "flow-1", "pinned": "0"})
    assert (flow(1).pinned_by, flow(1).pinned_at) == ("", None)
    notes = AuditEntry.objects.filter(target_kind="flow").order_by("id")
    assert [(note.actor, note.action, note.target_id) for note in notes] == [
        ("operator", "pinned", "flow-1"),
        ("operator", "unpinned", "flow-1"),
    ]


def test_who_may_only_read_pins_nothing() -> None:
    order(1)
    summarised()
    viewer = client_of("viewer")
    assert 'form="pin"' not in viewer.get("/orders/flow-1").content.decode()
    assert viewer.post("/pins", {"flow": "flow-1", "pinned": "1"}).status_code == 403
    assert Client().put("/api/pins/flow-1", headers=api("read")).status_code == 403
    assert flow(1).pinned_at is None


def test_pins_by_the_api() -> None:
    order(1)
    summarised()
    headers = api("operate")
    body = json.dumps({"reason": "court case"})
    kind = "application/json"
    answer = Client().put("/api/pins/flow-1", body, content_type=kind, headers=headers)
    assert (answer.status_code, answer.json()["pinned_at"] is None) == (200, False)
    assert AuditEntry.objects.get(action="pinned").reason == "court case"
    listed = Client().get("/api/pins", headers=headers).json()
    assert [one["correlation_id"] for one in listed["items"]] == ["flow-1"]
    assert Client().put("/api/pins/none", headers=headers).status_code == 404
    assert Client().delete("/api/pins/flow-1", headers=headers).json()["pinned_at"] is None
    assert Client().get("/api/pins", headers=headers).json()["items"] == []


def test_pins_at_a_terminal() -> None:
    order(1)
    summarised()
    out = io.StringIO()
    call_command("pin", "flow-1", "--reason", "audit", stdout=out)
    assert "order:1  pinned by" in out.getvalue()
    out = io.StringIO()
    call_command("pin", "--json", stdout=out)
    assert [row["correlation_id"] for row in json.loads(out.getvalue())] == ["flow-1"]
    call_command("pin", "flow-1", "--remove", stdout=out)
    assert flow(1).pinned_at is None
    with pytest.raises(CommandError, match="nothing was seen"):
        call_command("pin", "none")


def test_so_many_and_no_more(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    order(1)
    order(2)
    summarised()
    monkeypatch.setattr(pins, "PINS", 1)
    pins.pin("flow-1", actor="ops", user=None)
    with pytest.raises(pins.PinsFullError, match="1 orders are pinned already"):
        pins.pin("flow-2", actor="ops", user=None)
    assert Client().put("/api/pins/flow-2", headers=api("operate")).status_code == 409
    page = operator.post("/pins", {"flow": "flow-2", "pinned": "1"}, follow=True)
    assert "unpin one first" in page.content.decode()


def test_a_cut_order_is_shown_with_all_that_is_left(operator: Client, cut: None) -> None:
    page = operator.get("/orders/flow-1").content.decode().replace("\N{NO-BREAK SPACE}", " ")
    assert "Cut off by retention." in page
    assert "2 events of 2" in page
    assert "Only the summary is kept" in page
    assert "Complete" in page
    listed = operator.get("/orders").content.decode()
    assert listed.count(">cut off</span>") == 1
    whole = operator.get("/orders/flow-2").content.decode()
    assert "Cut off by retention" not in whole


@pytest.mark.parametrize("view", ["timeline", "table", "graph"])
def test_every_view_of_a_cut_order_opens(operator: Client, cut: None, view: str) -> None:
    assert operator.get(f"/orders/flow-1?view={view}").status_code == 200


def test_a_cut_order_by_api_and_terminal(cut: None) -> None:
    headers = api("read")

    def get(path: str) -> Any:
        answer = Client().get(f"/api/{path}", headers=headers)
        assert answer.status_code == 200
        return answer.json()

    document = get("cascades/flow-1")
    said = "2026-08-18T14:00:00.101Z"
    assert (document["status"], document["nodes"]) == ("complete", [])
    assert document["truncated_before"] == said
    assert get("cascades/flow-2")["truncated_before"] is None
    listed = {one["correlation_id"]: one for one in get("cascades")["items"]}
    assert listed["flow-1"]["truncated_before"] == said
    assert listed["flow-2"]["pinned_at"] is not None
    assert [one["correlation_id"] for one in get("keys/order:1")["items"]] == ["flow-1"]
    out = io.StringIO()
    call_command("cascade", "flow-1", stdout=out)
    assert f"truncated: what happened up to {said} is no longer kept" in out.getvalue()


def test_a_pin_is_refused_for_what_was_never_seen(operator: Client) -> None:
    assert operator.post("/pins", {"flow": "none", "pinned": "1"}).status_code == 404
    assert not Flow.objects.exists()
