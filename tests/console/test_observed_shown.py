"""What is said of a broker that is only observed: settings, `brokers`, overview."""

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from brokers import config as configuration
from brokers.config import Config
from brokers.connect import connect
from dlq.models import Letter
from kit.models import User
from kit.permissions import Role
from lag import sampler
from tests.console.tap_world import World
from tracing.models import Cursor

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(redis_url: str) -> Iterator[World]:
    connect.cache_clear()
    yield World(redis_url, tap=False, start="3 entries")
    configuration.use(Config)
    connect.cache_clear()


def page(path: str, role: Role = Role.VIEWER) -> str:
    client = Client()
    client.force_login(User.objects.get_or_create(username=role, role=role.value)[0])
    return client.get(path).content.decode().replace("\xa0", " ")


def brokers(*arguments: str) -> str:
    out = StringIO()
    call_command("brokers", *arguments, stdout=out)
    return out.getvalue().replace("\xa0", " ")


def test_before_and_after_it_is_read(world: World) -> None:
    for number in range(10):
        world.event(f"e{number}")
    world.event("x", "stock.0")
    assert 'without a consumer group, start = "3 entries"; nothing was read yet' in brokers()
    assert "nothing was read yet" in page("/settings")
    world.tap().drain()
    told = brokers()
    assert "7 older entries were not taken in; 1 other stream from the first entry on" in told
    assert "  stock.0  topic, read from its first entry on" in told
    assert "  orders.0  topic, read since " in told
    shown = page("/settings")
    assert "without a consumer group, start = &quot;3 entries&quot;" in shown
    assert "7 older entries were not taken in" in shown
    document: Any = json.loads(brokers("--json"))
    (one,) = document["items"]
    assert (one["start"], one["tap"], one["note"]) == ("3 entries", False, "")
    read = {stream["name"]: stream["read"] for stream in one["streams"]}
    assert (read["orders.0"]["left_out"], read["stock.0"]["left_out"]) == (7, 0)
    assert read["orders.0"]["since"] is not None


def test_what_is_odd_is_said(world: World) -> None:
    world.event("e")
    world.tap().drain()
    world.redis.delete("orders.0")
    world.redis.xadd("orders.0", {"data": "{}"}, id="5-1")
    world.tap().drain()
    assert "orders.0: was deleted and made anew; read from its start" in page("/settings")
    assert "made anew" in brokers()


def test_a_letter_says_why_it_is_not_replayed(world: World) -> None:
    world.dead_letter(world.event("e"))
    world.tap().drain()
    shown = page(f"/dead-letters/{Letter.objects.get().pk}", Role.ADMIN)
    assert "shop is only observed" in shown
    assert "letter-way" not in shown
    assert "Edit" in shown


def test_older_dead_letters_are_counted_on_the_overview(world: World) -> None:
    for number in range(5):
        world.dead_letter(world.event(f"e{number}"))
    sampler.sample(connect("shop"))
    assert "5 older dead letters are not taken in" in page("/")  # nothing was read yet
    world.tap().drain()
    assert "2 older dead letters are not taken in" in page("/")
    Cursor.objects.update(left_out=None)
    assert "≥ 1 older dead letters are not taken in" in page("/")
    Cursor.objects.update(left_out=0)
    assert "not taken in" not in page("/")


def test_another_start_takes_in_what_was_left_out(redis_url: str, world: World) -> None:
    for number in range(10):
        world.event(f"e{number}")
    world.tap().drain()
    assert Cursor.objects.get().left_out == 7
    wider = World(redis_url, tap=False, start="all")
    tap = wider.tap()
    tap.drain()
    assert (tap.totals.accepted, tap.totals.duplicates) == (7, 3)
    assert Cursor.objects.get().left_out == 0
