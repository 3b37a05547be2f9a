"""Mappings by the API and at a terminal."""

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from brokers import config as configuration
from brokers.config import MappingConfig
from console.mappings import saved
from kit.models import ApiToken, User
from tests.console.foreign_world import PAGE, TYPED, foreign, observe, person
from tests.support.redis_server import RedisServer
from tests.tracing.test_suggest import uuid

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def redis(redis_server: RedisServer, redis_url: str) -> Iterator[Any]:
    with foreign(redis_server, redis_url) as client:
        yield client


def api(scope: str) -> dict[str, Any]:
    user, _ = User.objects.get_or_create(username="bot", defaults={"role": "admin"})
    _, token = ApiToken.issue(user, scope, [scope])
    return {"headers": {"Authorization": f"Bearer {token}"}, "content_type": "application/json"}


def test_the_same_by_the_api(redis: Any, client: Client) -> None:
    wanted = {"broker": "legacy", "stream": "orders.*", "id": "/meta/eventId", "keys": {"a": "/b"}}
    query = "/api/mappings/proposed?broker=legacy&stream=orders.0"
    proposed = client.get(query, **api("read")).json()
    assert (proposed["samples"], proposed["places"]["type"]) == (9, "/type")
    assert proposed["messages"][0]["id"] == uuid(8)
    tried = client.post("/api/mappings/try?stream=orders.0", wanted, **api("read")).json()
    assert tried["messages"][0]["correlation"] == ""
    assert client.post("/api/mappings", wanted, **api("operate")).status_code == 403
    made = client.post("/api/mappings", wanted, **api("admin"))
    assert (made.status_code, made.json()["saved_by"]) == (201, "bot (admin)")
    bad = client.post("/api/mappings", {**wanted, "id": "x"}, **api("admin"))
    assert (bad.status_code, bad.json()["errors"][0]["path"]) == (422, "id")
    listed = client.get("/api/mappings", **api("read")).json()
    assert [one["stream"] for one in listed["items"]] == ["orders.*"]
    url = f"/api/mappings/{made.json()['id']}"
    assert client.delete(url, **api("read")).status_code == 403
    assert client.delete(url, **api("admin")).status_code == 204
    assert client.delete(url, **api("admin")).status_code == 404
    missing = client.get("/api/mappings/proposed?broker=x&stream=y", **api("read"))
    assert missing.status_code == 404


def told(*words: str) -> str:
    out = StringIO()
    call_command("mappings", *words, stdout=out)
    return out.getvalue()


def test_the_same_at_a_terminal(redis: Any, redis_url: str) -> None:
    assert "--propose STREAM" in told()
    text = told("--propose", "orders.0")
    assert '[[mappings]]\nbroker = "legacy"\nstream = "orders.0"\nid = "/meta/eventId"' in text
    assert "#   correlation: called correlationId" in text
    document = json.loads(told("--propose", "orders.0", "--json"))
    assert document["places"]["causation"] == "/meta/causedBy"
    person().post(PAGE, TYPED)
    assert "# admin\n[[mappings]]" in told()
    observe(redis_url, MappingConfig(stream="a", type="=b"))
    items = json.loads(told("--json"))["items"]
    assert [one["by"] for one in items] == ["console.toml", "admin"]
    with pytest.raises(CommandError, match="no broker 'x'"):
        told("--propose", "orders.0", "--broker", "x")


def test_the_toml_is_read_back_as_it_was_meant(redis: Any, tmp_path: Any, redis_url: str) -> None:
    mapping = MappingConfig(
        stream='o"rd\\ers', broker="legacy", type='=ö"\\', keys={"order.no": "/a~1b/c d"}
    )
    path = tmp_path / "console.toml"
    head = f'[[brokers]]\nname = "legacy"\nurl = "{redis_url}"\n'
    path.write_text(head + saved.toml(mapping), encoding="utf-8")
    assert configuration.load(path, None, {}).mappings == (mapping,)
