"""The page of a key: all flows that bear it, neighbours by name, hubs never joined through."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from brokers import config as configuration
from brokers.config import Config
from kit.models import User
from tests.tracing.arriving import event, take
from tests.tracing.making import event as row
from tests.tracing.seeding import seed
from tracing.summariser import summarise_all
from tracing.together import FLOWS, HUB, together

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The kinds of keys a shop has."""
    pointers = {"order": "/order_id", "package": "/package"}
    monkeypatch.setattr(configuration, "_loaders", [lambda: Config(keys=pointers)])
    configuration.current.cache_clear()
    yield
    configuration.current.cache_clear()


@pytest.fixture
def client() -> Client:
    """A person who may read."""
    client = Client()
    client.force_login(User.objects.create_user("viewer", role="viewer"))
    return client


def flow(name: str, at: float, *keys: str, **more: Any) -> None:
    """A flow of one event that bears these keys."""
    seed([row(f"{name}-e", "OrderPlaced", at, flow_id=name, **more)], [], keys=keys)


def shop() -> None:
    """Order 4711 in two flows; a package with a third order; a customer of very many."""
    flow("buy", 0, "order:4711", "customer:anna")
    flow("ship", 10, "order:4711", "package:88")
    flow("other", 5, "order:4712", "package:88")
    flow("far", 6, "order:4712")
    for number in range(HUB):
        flow(f"anna-{number}", 100 + number, "customer:anna")
    summarise_all()


def names(items: list[dict[str, Any]]) -> list[str]:
    return [item["correlation_id"] for item in items]


def test_all_flows_of_a_key_and_what_is_one_step_further(client: Client) -> None:
    shop()
    found = client.get("/api/keys/order:4711").json()
    assert names(found["items"]) == ["ship", "buy"]
    assert (found["count"], found["hub"], found["next"]) == (2, False, None)
    assert [(one["key"], one["hub"], names(one["flows"])) for one in found["neighbours"]] == [
        ("customer:anna", True, []),
        ("package:88", False, ["other"]),
    ]


def test_a_hub_is_windowed_and_has_no_neighbours(client: Client) -> None:
    shop()
    found = client.get("/api/keys/customer:anna").json()
    assert (found["hub"], found["count"], found["neighbours"]) == (True, HUB + 1, [])
    assert len(found["items"]) == FLOWS
    rest = client.get("/api/keys/customer:anna", {"cursor": found["next"]}).json()
    assert names(rest["items"]) == ["buy"]
    page = client.get("/keys/customer:anna").content.decode()
    assert "a hub, nothing is joined through it" in page
    assert "/orders/ship" not in page


def test_the_page_shows_the_flows_and_names_the_key_that_joins(client: Client) -> None:
    shop()
    text = client.get("/keys/order:4711").content.decode()
    for part in ("/orders/buy", "/orders/ship", "Order 4711", "/keys/package:88", "/orders/other"):
        assert part in text
    assert "/orders/far" not in text
    assert "/keys/customer:anna" in text
    assert "/orders/anna-3" not in text


@pytest.mark.parametrize(
    ("url", "leads"),
    [
        ("/orders?q=4711", "/keys/order:4711"),
        ("/orders?q=order:4711", "/keys/order:4711"),
        ("/orders?q=%234711", "/keys/order:4711"),
        ("/orders?q=4711&status=failed", None),
        ("/orders?q=buy", None),
    ],
)
def test_the_search_field_leads_to_a_key_that_several_flows_share(
    client: Client, url: str, leads: str | None
) -> None:
    shop()
    response = client.get(url)
    assert (response.status_code, response.headers.get("Location")) == (
        (302, leads) if leads else (200, None)
    )


def test_a_key_of_one_flow_is_in_the_list(client: Client) -> None:
    flow("alone", 0, "order:1")
    assert client.get("/orders?q=1").status_code == 200


def test_a_key_that_nobody_bears(client: Client) -> None:
    assert client.get("/keys/order:none").status_code == 404
    assert client.get("/api/keys/order:none").status_code == 404
    assert Client().get("/keys/order:none").status_code == 302


def test_one_shipment_of_several_orders_is_on_the_page_of_each(client: Client) -> None:
    shipped = {"order_id": [4711, 4712], "package": 88}
    for number in (4711, 4712):
        take(event(f"p{number}", number, ce_correlationid=f"f{number}", body={"order_id": number}))
    take(event("s", 9, ce_correlationid="shipment", body=shipped))
    summarise_all()
    for number in (4711, 4712):
        found = client.get(f"/api/keys/order:{number}").json()
        assert set(names(found["items"])) == {f"f{number}", "shipment"}
        (neighbour,) = found["neighbours"]
        assert names(neighbour["flows"]) == [f"f{9423 - number}"]


def test_a_flow_that_was_joined_is_counted_once(client: Client) -> None:
    trace = "1" * 32
    parent = f"00-{trace}-{'2' * 16}-01"
    take(event("a", 1, ce_traceparent=parent, **{"ce-correlationid": ""}))
    take(event("b", 2, ce_traceparent=parent, body={"order_id": 4712}))
    summarise_all()
    for key in ("order:4711", "order:4712"):
        found = client.get(f"/api/keys/{key}").json()
        assert (names(found["items"]), found["count"]) == (["flow-1"], 1)


def test_the_same_number_of_queries_for_few_and_for_many(client: Client) -> None:
    def asked(key: str) -> int:
        client.get(f"/keys/{key}")
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"/keys/{key}").status_code == 200
        return len(queries)

    flow("a", 0, "order:1", "package:1")
    flow("b", 0, "order:2", "package:1")
    few = asked("order:1")
    for number in range(15):
        flow(f"c{number}", number, "order:9", *(f"package:{number}-{n}" for n in range(4)))
        flow(f"d{number}", number, f"order:x{number}", f"package:{number}-1")
    assert asked("order:9") == few
    found = together("order:9")
    assert found is not None
    assert found.unread
