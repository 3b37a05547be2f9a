"""Django's client as a person at the pages, and letters whose copies lie on a real broker."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.test import Client
from redis import Redis

from brokers import config as configuration
from brokers import connect
from brokers.config import BrokerConfig, Config, Value
from brokers.contract import Entry
from dlq import intake
from dlq.models import Letter
from kit.models import User
from kit.writes import writing
from tests.dlq.letters import dead


@contextmanager
def configured(redis_url: str) -> Iterator[None]:
    """One broker, `shop`, that may be written to."""
    broker = BrokerConfig(name="shop", url=redis_url, tap=True, replay=True)
    value = Value(amount="/total", currency="/currency", default_currency="EUR")
    configuration.use(lambda: Config(brokers=(broker,), keys={"order": "/order_id"}, value=value))
    connect.connect.cache_clear()
    yield
    configuration.use(Config)
    connect.connect.cache_clear()


def client(role: str = "operator") -> Client:
    user, _ = User.objects.get_or_create(username=role, defaults={"role": role})
    made = Client()
    made.force_login(user)
    return made


def taken(*entries: Entry) -> list[Letter]:
    with writing():
        intake.take(entries or [dead(1), dead(2, seconds=1), dead(3, seconds=2)])
    return list(Letter.objects.order_by("pk"))


def on_queue(redis_url: str, entry: Entry) -> Letter:
    """A letter whose message and copy lie on a real broker."""
    redis = Redis.from_url(redis_url)
    body = entry.body or b""
    original: dict[Any, Any] = {"data": body} | {
        k: v for k, v in entry.headers.items() if not k.startswith("dead-letter-")
    }
    redis.xgroup_create("orders.0", "payment", mkstream=True)
    copy: dict[Any, Any] = {"data": body} | dict(entry.headers)
    redis.xadd("orders.0", original, id="1-0")
    redis.xadd(entry.stream, copy, id=entry.position)
    return taken(entry)[0]


def html(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.content.decode()).replace("\N{NO-BREAK SPACE}", " ")


def region(of: Client, url: str, target: str, tag: str = "") -> Any:
    """What htmx gets for one region; `tag` is the HX-PTag of what it has."""
    headers = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": target}
    return of.get(url, headers={**headers, "HX-PTag": tag})
