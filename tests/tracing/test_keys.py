"""Business keys: where pointers lead, what is kept only as a hash, what finds it again."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings

from brokers import bearing
from brokers import config as configuration
from brokers.config import Config, ConfigError, KeyConfig, Keys, load
from kit.limits import KEYS_PER_EVENT
from kit.writes import writing
from tests.tracing.arriving import event
from tracing import sealing, store
from tracing.envelope import Envelope, Malformed
from tracing.filters import FlowFilter
from tracing.keys import keys_of
from tracing.listing import listed
from tracing.models import FlowKey
from tracing.sealing import SEALED, seal

SHIPMENT = {
    "id": 88,
    "orders": [{"id": 4711}, {"id": "4712"}, {"id": 4711}, {}, {"id": None}],
    "labels": ["a", " b ", "", True, 1.5, ["c"]],
    "*": {"x/y~z": "odd"},
    "customer": {"email": "anna@example.org"},
}


def found(body: Any, **keys: str | KeyConfig) -> list[str]:
    """The keys of an event with this body."""
    envelope = store.seen(event("e", 1, body=body)).message
    assert isinstance(envelope, Envelope)
    return keys_of(envelope, keys, seal)


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        ("/id", ["k:88"]),
        ("/orders/*/id", ["k:4711", "k:4712"]),
        ("/orders/1/id", ["k:4712"]),
        ("/orders/7/id", []),
        ("/labels", ["k:a", "k:b"]),
        ("/labels/*", ["k:a", "k:b", "k:c"]),
        ("/*/x~1y~0z", ["k:odd"]),
        ("/orders/id", []),
        ("/customer", []),
        ("/id/deeper", []),
    ],
)
def test_where_pointers_lead(pointer: str, expected: list[str]) -> None:
    assert found(SHIPMENT, k=pointer) == expected


def test_an_array_of_objects_is_pointed_into_from_the_top() -> None:
    assert found([{"id": 1}, {"id": 2}], order="/*/id") == ["order:1", "order:2"]


def test_of_an_event_with_very_many_keys_the_first_are_kept() -> None:
    keys = found({"orders": list(range(5_000))}, order="/orders")
    assert keys == [f"order:{n}" for n in range(KEYS_PER_EVENT)]


def test_a_hashed_key_is_kept_as_its_hash_alone() -> None:
    customer = KeyConfig("/customer/email", hash=True)
    (key,) = found(SHIPMENT, customer=customer)
    assert key.startswith(f"customer:{SEALED}")
    assert "anna" not in key
    assert found(SHIPMENT, customer=customer) == [key]
    assert found(SHIPMENT, person=customer) != [key.replace("customer", "person")]
    assert bearing.label(SHIPMENT, {"customer": customer, "order": "/orders/*/id"}) == "order:4711"


def test_another_secret_gives_another_hash() -> None:
    before = seal("customer", "anna")
    with override_settings(SECRET_KEY="another-secret-of-the-console"):
        sealing._key.cache_clear()
        after = seal("customer", "anna")
    sealing._key.cache_clear()
    assert seal("customer", "anna") == before != after


@pytest.fixture
def shipments(monkeypatch: pytest.MonkeyPatch) -> Iterator[Keys]:
    """The configuration of keys that a shop with several orders in a package has."""
    keys: Keys = {
        "order": "/orders/*/id",
        "customer": KeyConfig("/customer/email", hash=True),
    }
    monkeypatch.setattr(configuration, "_loaders", [lambda: Config(keys=dict(keys))])
    configuration.current.cache_clear()
    yield keys
    configuration.current.cache_clear()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text", ["4712", "order:4712", "anna@example.org", "customer:anna@example.org"]
)
def test_one_shipment_is_found_by_each_of_its_orders_and_by_its_customer(
    shipments: Keys, text: str
) -> None:
    store_one(shipments, SHIPMENT)
    assert not FlowKey.objects.filter(key__contains="anna").exists()
    flows = listed(FlowFilter(q=text)).page.items
    assert [flow.flow_id for flow in flows] == ["flow-1"]


@pytest.mark.django_db
def test_a_hashed_key_can_be_filtered_by_its_value(shipments: Keys) -> None:
    store_one(shipments, SHIPMENT)
    for key in ("customer:anna@example.org", f"customer:{seal('customer', 'anna@example.org')}"):
        assert listed(FlowFilter(key=key)).page.count == 1


def store_one(keys: Keys, body: Any) -> None:
    """One event with this body."""
    one = store.seen(event("e", 1, body=body))
    assert not isinstance(one.message, Malformed)
    with writing():
        store.take([one], keys=keys)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('[keys]\ncustomer = { pointer = "/c", hash = true }\n"*x" = "/x"', "keys"),
        ('[keys]\norder = "order_id"', "keys"),
        ('[keys]\norder = { path = "/x" }', "keys"),
    ],
)
def test_a_wrong_key_is_named(tmp_path: Any, text: str, where: str) -> None:
    path = tmp_path / "console.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=where):
        load(path, None, {})


def test_keys_of_both_forms_are_read(tmp_path: Any) -> None:
    path = tmp_path / "console.toml"
    path.write_text('[keys]\norder = "/id"\ncustomer = { pointer = "/c", hash = true }')
    assert load(path, None, {}).keys == {"order": "/id", "customer": KeyConfig("/c", hash=True)}
