"""A broker `legacy` with messages of a program that never heard of us, and people at the pages."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.test import Client

from brokers import config as configuration
from brokers.config import BrokerConfig, Config, MappingConfig
from brokers.connect import connect
from kit.models import User
from tests.support.redis_server import RedisServer
from tests.tracing.test_suggest import chain

STREAM = "orders.0"
TYPED = {
    "stream": "orders.*",
    "id": "/meta/eventId",
    "correlation": "/meta/correlationId",
    "causation": "/meta/causedBy",
    "type": "/type",
    "keys": "order = /order/id",
}
PAGE = "/settings/mapping/legacy/orders.0"


def observe(url: str, *mappings: MappingConfig, **keys: Any) -> BrokerConfig:
    """The configuration of one broker that is tapped."""
    connect.cache_clear()
    broker = BrokerConfig(name="legacy", url=url, tap=True)
    configuration.use(lambda: Config(brokers=(broker,), mappings=mappings, keys=keys))
    return broker


def person(role: str = "admin") -> Client:
    user, _ = User.objects.get_or_create(username=role, defaults={"role": role})
    client = Client()
    client.force_login(user)
    return client


def text_of(response: Any) -> str:
    return " ".join(response.content.decode().split())


@contextmanager
def foreign(server: RedisServer, url: str) -> Iterator[Any]:
    """A broker `legacy` with nine messages of three flows on it."""
    observe(url)
    client = server.client()
    for number in range(9):
        more = {"password": "hunter2"} if number == 8 else {}
        client.xadd(STREAM, {"payload": json.dumps(chain(number, **more))})
    yield client
    configuration.use(Config)
    connect.cache_clear()
