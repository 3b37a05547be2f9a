"""The order service over real HTTP: what it takes, what it refuses and how it says so."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from shop.samples import sample_order
from shop.service import BODY_LIMIT
from tests.shop.running import Shop

JSON = "application/json"


@pytest.fixture
def service(shop: Shop) -> Shop:
    shop.start_orders()
    return shop


def order(**changes: Any) -> bytes:
    built: dict[str, Any] = msgspec.to_builtins(sample_order(1, 1))
    return json.dumps(built | changes).encode()


def test_an_order_is_published_whole_before_it_is_answered(service: Shop) -> None:
    status, answer = service.ask("POST", "/orders", order(), Content_Type=JSON)
    (event,) = service.events("orders")
    data = json.loads(event["data"])
    assert status == 202
    assert answer == {"order_id": data["order_id"], "correlation_id": event["ce-correlationid"]}
    assert (event["ce-type"], event["ce-source"]) == ("OrderPlaced", "/shop/orders")
    assert event["ce-partitionkey"] == f"order:{data['order_id']}"
    assert "ce-causationid" not in event
    sent = json.loads(order())
    assert {key: data[key] for key in sent} == sent


def test_one_idempotency_key_is_one_order(service: Shop) -> None:
    first = service.ask("POST", "/orders", order(), Content_Type=JSON, Idempotency_Key="k-1")
    again = service.ask("POST", "/orders", order(), Content_Type=JSON, Idempotency_Key="k-1")
    other = service.ask("POST", "/orders", order(), Content_Type=JSON, Idempotency_Key="k-2")
    assert first == again != other
    assert len(service.events("orders")) == 2


def test_a_key_cannot_be_used_for_another_order(service: Shop) -> None:
    service.ask("POST", "/orders", order(), Content_Type=JSON, Idempotency_Key="k-1")
    status, problem = service.ask(
        "POST", "/orders", order(client="web 9"), Content_Type=JSON, Idempotency_Key="k-1"
    )
    assert (status, problem["detail"]) == (422, "This Idempotency-Key belongs to another order.")
    assert len(service.events("orders")) == 1


def test_a_crash_between_publish_and_mark_sends_the_very_same_event(service: Shop) -> None:
    first = service.ask("POST", "/orders", order(), Content_Type=JSON, Idempotency_Key="k-1")
    # What the service leaves behind when it is killed after the publish.
    service.redis.hset("shop:idempotency:k-1", "published", "0")
    again = service.ask("POST", "/orders", order(), Content_Type=JSON, Idempotency_Key="k-1")
    assert again == first
    assert len({(e["ce-id"], e["data"]) for e in service.events("orders")}) == 1


def deep() -> bytes:
    return b'{"items":' + b"[" * 20_000 + b"]" * 20_000 + b"}"


def without_customer() -> bytes:
    built = json.loads(order())
    del built["customer"]
    return json.dumps(built).encode()


def free_mug() -> bytes:
    item = json.loads(order())["items"][0]
    return order(items=[item | {"quantity": "1"}])


REFUSED: list[tuple[Callable[[], bytes], str, int, str | None]] = [
    (lambda: b"<html>", JSON, 400, None),
    (lambda: b"\xff\xfe", JSON, 400, None),
    (lambda: b"", JSON, 400, None),
    (deep, JSON, 422, "/items/0"),
    (lambda: b"[]", JSON, 422, ""),
    (without_customer, JSON, 422, ""),
    (free_mug, JSON, 422, "/items/0/quantity"),
    (lambda: order(currency="euro"), JSON, 422, "/currency"),
    (lambda: order(total=12.5), JSON, 422, "/total"),
    (lambda: order(total="0.01"), JSON, 422, "/total"),
    (lambda: order(surprise=1), JSON, 422, ""),
    (lambda: order(items=[]), JSON, 422, "/items"),
    (order, "text/plain", 415, None),
    (lambda: b" " * (BODY_LIMIT + 1), JSON, 413, None),
]


def test_what_is_no_order_is_a_problem_with_its_place(service: Shop) -> None:
    for body, media_type, status, path in REFUSED:
        answered, problem = service.ask("POST", "/orders", body(), Content_Type=media_type)
        assert (answered, problem["status"]) == (status, status), problem
        assert [e["path"] for e in problem["errors"]] == ([] if path is None else [path]), problem
    assert service.events("orders") == []
    assert service.ask("POST", "/orders", order(), Content_Type=JSON)[0] == 202


def test_other_paths_and_methods_are_problems_too(service: Shop) -> None:
    assert service.ask("GET", "/orders")[0] == 405
    assert service.ask("POST", "/healthz")[0] == 405
    assert service.ask("GET", "/nowhere")[1]["title"] == "Not Found"
