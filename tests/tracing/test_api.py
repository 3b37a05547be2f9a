"""The API of cascades: the contract's shape, who may ask, what wrong questions answer."""

import io
import json
import re
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from kit.models import ApiToken, User
from tests.tracing.making import at, event, receipt, shop
from tests.tracing.seeding import seed
from tracing import summariser
from tracing.models import Flow

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    """A client with a token that may read."""
    user = User.objects.create_user("reader")
    _, token = ApiToken.issue(user, "test", ["read"])
    return Client(headers={"Authorization": f"Bearer {token}"})


def get(client: Client, url: str, **query: Any) -> Any:
    """The JSON of a 200."""
    response = client.get(url, query)
    assert response.status_code == 200, response.content
    return response.json()


def test_a_cascade_has_the_shape_of_the_contract(client: Client) -> None:
    events, receipts, places = shop()
    seed(events, receipts, places, keys=("order:4711",))
    summariser.summarise_all()
    found = get(client, "/api/cascades/f")
    assert set(found) == {
        "correlation_id",
        "status",
        "reason",
        "keys",
        "aliases",
        "started_at",
        "ended_at",
        "truncated_before",
        "pinned_at",
        "nodes",
        "edges",
        "anomalies",
        "critical_path",
        "critical_path_shares",
    }
    assert found["keys"] == ["order:4711"]
    assert found["started_at"] == "2026-08-18T14:23:04.000Z"
    nodes = {node["id"]: node for node in found["nodes"]}
    assert len(nodes) == 5 + 6
    assert all(edge["from"] in nodes and edge["to"] in nodes for edge in found["edges"])
    assert {edge["evidence"] for edge in found["edges"]} == {"causation", "delivery"}
    shares = {one["kind"]: one["share"] for one in found["critical_path_shares"]}
    assert sum(shares.values()) == pytest.approx(1, abs=0.001)
    assert shares["backoff"] == pytest.approx(3.1 / 5.0, abs=0.001)
    payment = next(node for node in nodes.values() if node.get("consumer") == "payment")
    assert [attempt["outcome"] for attempt in payment["attempts"]] == [
        "retrying",
        "retrying",
        "succeeded",
    ]


def test_errors_are_masked(client: Client) -> None:
    failed = receipt("e", "c", "failed", 1, error_message="no such user anna@example.org")
    seed([event("e", "E", 0)], [failed])
    assert "anna@" not in client.get("/api/cascades/f").content.decode()


def test_the_list_filters_and_pages(client: Client) -> None:
    for number in range(5):
        rows = [event(f"e{number}", "OrderPlaced", number, flow_id=f"flow-{number}")]
        seed(rows, [], keys=(f"order:{number}",))
    Flow.objects.filter(flow_id="flow-3").update(status="failed")
    first = get(client, "/api/cascades", limit=2)
    assert [item["correlation_id"] for item in first["items"]] == ["flow-4", "flow-3"]
    assert (first["count"], first["estimated"]) == (5, False)
    second = get(client, "/api/cascades", limit=2, cursor=first["next"])
    assert [item["correlation_id"] for item in second["items"]] == ["flow-2", "flow-1"]
    assert get(client, "/api/cascades", status="failed")["count"] == 1
    assert get(client, "/api/cascades", key="order:2")["items"][0]["correlation_id"] == "flow-2"
    since, until = at(1).isoformat(), at(3).isoformat()
    assert get(client, "/api/cascades", since=since, until=until)["count"] == 2
    assert get(client, "/api/keys/order:4")["items"][0]["correlation_id"] == "flow-4"


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/api/cascades/never", 404),
        ("/api/keys/order:never", 404),
        ("/api/cascades?cursor=x", 400),
        ("/api/cascades?since=yesterday", 422),
    ],
)
def test_wrong_questions(client: Client, url: str, status: int) -> None:
    assert client.get(url).status_code == status


def test_without_a_token_nothing_is_told() -> None:
    assert Client().get("/api/cascades").status_code == 401


def test_a_cascade_asks_a_fixed_number_of_queries(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    rows = [event(f"e{n}", "E", n, *([f"e{n - 1}"] if n else [])) for n in range(200)]
    seed(rows, [receipt(f"e{n}", "c", "succeeded", n + 0.5) for n in range(200)])
    client.get("/api/cascades")  # notes that the token was used
    with django_assert_max_num_queries(13):
        assert len(get(client, "/api/cascades/f")["nodes"]) == 400


def test_the_command_prints_the_same(client: Client) -> None:
    events, receipts, _ = shop()
    seed(events, receipts, keys=("order:4711",))
    out = io.StringIO()
    call_command("cascade", "order:4711", "--json", stdout=out)
    assert json.loads(out.getvalue()) == get(client, "/api/cascades/f")
    out = io.StringIO()
    call_command("cascade", "f", stdout=out)
    assert "payment: succeeded, 3" in out.getvalue()
    assert "critical path" in out.getvalue()
    with pytest.raises(CommandError, match="nothing was seen of 9999"):
        call_command("cascade", "9999")


def test_a_cascade_is_exported_as_text_and_mermaid(client: Client) -> None:
    events, receipts, _ = shop()
    odd = event("odd", 'Type "1" <b>`x`</b>\n#', 6, "gone")
    died = receipt("odd", "mail", "dead_lettered", 7, error_type="KeyError")
    seed([*events, odd], [*receipts, died])
    summariser.summarise_all()
    printed = io.StringIO()
    call_command("cascade", "f", stdout=printed)
    answer = client.get("/api/cascades/f", {"format": "text"})
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.content.decode() == printed.getvalue().rstrip("\n")
    chart = client.get("/api/cascades/f", {"format": "mermaid"}).content.decode()
    lines = [line.strip() for line in chart.splitlines()]
    assert lines[0] == "flowchart LR"
    number = {found[2]: found[1] for found in re.finditer(r'(n\d+)\(?\["([^"]*)"', chart)}
    assert f"{number['OrderPlaced']} --> {number['payment: succeeded']}" in lines
    assert f"{number['StockReserved']} -.-> {number['OrderShipped']}" in lines
    dead = "mail: failed ⚠ Dead letter"
    assert f'{number[dead]}["{dead}"]:::bad' in lines
    assert "Type #quot;1#quot; #lt;b#gt;#96;x#96;#lt;/b#gt; #35; ⚠ Orphan" in number
    written = answer.content.decode().splitlines()
    assert written[-2].startswith("anomaly dead_lettered: mail gave Type")
    assert written[-1].startswith("anomaly orphan: Type")
    assert client.get("/api/cascades/f", {"format": "pdf"}).status_code == 422


def test_a_large_cascade_as_mermaid_says_what_is_left_out(client: Client) -> None:
    seed([event(f"e{n}", "E", n, *([f"e{n - 1}"] if n else [])) for n in range(510)], [])
    chart = client.get("/api/cascades/f", {"format": "mermaid"}).content.decode()
    assert "%% the first 500 of 510 nodes" in chart
    assert chart.count("-.->") == 499
