"""The console beside a foreign program: it observes its Redis and writes nothing there."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.test import Client

from brokers import config as configuration
from brokers.config import BrokerConfig, Config, MappingConfig
from brokers.connect import connect
from console.rulebook import Rulebook
from console.tap import Tap
from kit.models import ApiToken, User
from tracing.summariser import summarise_all

WITHIN_S = 120.0


class Console:
    """A tap that looks on, and the API."""

    def __init__(self, config: Config) -> None:
        self.tap = Tap([connect(one.name) for one in config.brokers], Rulebook(), "test")
        user = User.objects.create(username="reader")
        self._token = ApiToken.issue(user, "reader", ["read"])[1]

    def until(self, done: Callable[[], bool], what: str) -> None:
        """Take in until it is so, then summarise."""
        ends = time.monotonic() + WITHIN_S
        while not done():
            assert time.monotonic() < ends, f"in vain for {what}"
            self.tap.drain()
            time.sleep(0.1)
        summarise_all()

    def api(self, path: str) -> Any:
        """The JSON of `/api/<path>`."""
        headers = {"Authorization": f"Bearer {self._token}"}
        answer = Client().get(f"/api/{path}", headers=headers)
        assert answer.status_code == 200, answer.content
        return answer.json()


@contextmanager
def watching(url: str, *mappings: MappingConfig) -> Iterator[Console]:
    """A console that observes this Redis from its beginning."""
    connect.cache_clear()
    broker = BrokerConfig(name="legacy", url=url, start="all")
    keys = {} if mappings else {"order": "/order_id"}
    config = Config(brokers=(broker,), mappings=mappings, keys=keys)
    configuration.use(lambda: config)
    console = Console(config)
    try:
        yield console
    finally:
        console.tap.close()
        configuration.use(Config)
        connect.cache_clear()


def environment(url: str, **more: str) -> dict[str, str]:
    """What a program is given: the address of its Redis."""
    return {**os.environ, "REDIS_URL": url, **more}


def shape(cascade: dict[str, Any]) -> set[tuple[str, str, str]]:
    """The edges, by the types of events and the names of consumers: (from, to, evidence)."""
    names = {node["id"]: node.get("type") or node.get("consumer") for node in cascade["nodes"]}
    return {(names[edge["from"]], names[edge["to"]], edge["evidence"]) for edge in cascade["edges"]}
