"""The tap reads ahead of what it commits, and loses nothing of it."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError

from brokers import config as configuration
from brokers.config import Config
from console import tap_reading
from tests.console.tap_world import World
from tests.tracing.arriving import appearances
from tracing import store
from tracing.models import Event

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(redis_url: str) -> Iterator[World]:
    yield World(redis_url)
    configuration.use(Config)


def test_what_was_read_ahead_of_a_failure_comes_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tap_reading, "BATCH", 4)
    monkeypatch.setattr(tap_reading, "READ", 8)
    for number in range(30):
        world.event(f"e{number}")
    real, calls = store.put, iter(range(100))

    def away_once(ready: Any) -> Any:
        if next(calls) == 2:  # the first read is stored, the next is read ahead of this one
            raise OperationalError("disk I/O error")
        return real(ready)

    monkeypatch.setattr(store, "put", away_once)
    tap = world.tap()
    tap.round(1)
    assert (Event.objects.count(), world.pending("orders.0")) == (8, 8)
    tap.round(1)
    assert (Event.objects.count(), world.pending("orders.0")) == (8, 16)
    deadline = time.monotonic() + 60
    while Event.objects.count() < 30:
        assert time.monotonic() < deadline
        tap.round(50)
    assert Event.objects.count() == len(appearances()) == 30
    assert world.pending("orders.0") == 0


def test_what_was_read_ahead_is_finished_when_told_to_stop(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tap_reading, "BATCH", 2)
    monkeypatch.setattr(tap_reading, "READ", 4)
    for number in range(30):
        world.event(f"e{number}")
    stop, real, tap = threading.Event(), store.put, world.tap()

    def put(ready: Any) -> Any:
        stop.set()
        return real(ready)

    monkeypatch.setattr(store, "put", put)
    tap.run(stop)
    assert tap.totals.entries == Event.objects.count() == 8
    assert world.pending("orders.0") == 0
