"""Retention beside the intake, and killed: what is left is whole, room comes back."""

import os
import random
import signal
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, connections
from django.db.models import Sum

from brokers.contract import Entry
from kit.writes import writing
from tests.tracing.arriving import KEYS, event, receipt
from tests.tracing.keeping import configured, summarised, sweep
from tracing import pins, store
from tracing.models import Appearance, Event, Flow, FlowKey, Payload, Receipt, Sweep
from tracing.retention import keeping, loop, room, samples, walks

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime.now(UTC)
OLD = NOW - timedelta(days=31)
ORDERS = 300
EACH = 4  # events of an order
KILLS = 12


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small transactions, no rests, and nobody else who holds flows."""
    monkeypatch.setattr(keeping, "_holders", [])
    monkeypatch.setattr(loop, "pause", lambda *_, **__: 0.0)
    monkeypatch.setattr(loop, "IDLE_S", 0.05)
    monkeypatch.setattr(walks, "BATCH", 20)


def orders(first: int, number: int, received_at: datetime) -> None:
    """Orders of EACH events, a large one and a repeated one among them, each handled once."""
    for start in range(first, first + number, 50):
        entries: list[Entry] = []
        for order in range(start, min(start + 50, first + number)):
            entries += [_event(order, index) for index in range(EACH)]
            entries.append(_event(order, 0, again=True))
            entries.append(receipt(f"e{order}-0", order, consumer="payment"))
        with writing():
            seen = [store.seen(entry) for entry in entries]
            store.take(seen, keys=KEYS, received_at=received_at)


def _event(order: int, index: int, *, again: bool = False) -> Entry:
    body = {"order_id": order, "text": "x" * (70_000 if index == 1 and order % 10 == 0 else 400)}
    at = order * 10 + index + (5 if again else 0)
    return event(f"e{order}-{index}", at, body=body, **{"ce-correlationid": f"flow-{order}"})


def is_whole() -> None:
    """Nothing hangs on an event that is gone, and every summary adds up."""
    there = {bytes(one) for one in Event.objects.values_list("identity", flat=True)}
    for model in (Appearance, Receipt, Payload):
        of = {bytes(one) for one in model.objects.values_list("identity", flat=True)}
        assert of <= there, model
    left = Counter(Event.objects.values_list("flow_id", flat=True))
    rows = Flow.objects.values_list("flow_id", "events", "cut_events", "truncated_before")
    assert rows
    for flow_id, events, cut, before in rows:
        assert events == EACH == cut + left[flow_id], flow_id
        assert (before is not None) == (cut > 0), flow_id
    gone = Sweep.objects.aggregate(deleted=Sum("deleted"))["deleted"]
    assert (gone or 0) == Flow.objects.count() * EACH - sum(left.values())


def test_killed_anywhere_it_leaves_all_whole_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    # so many steps and rests that the last kill comes before the end, however quick the machine
    monkeypatch.setattr(walks, "BATCH", 5)
    monkeypatch.setattr(loop, "pause", lambda *_, **__: 0.05)
    orders(0, ORDERS, OLD)
    with configured(events="30d", receipts="40d"):
        summarised()
        pins.pin("flow-7", actor="ops", user=None)
        dice = random.Random(4711)
        killed = 0
        for _ in range(KILLS):
            killed += _killed_after(dice.uniform(0.02, 0.2))
            is_whole()
        assert killed == KILLS
        assert Event.objects.count() > EACH  # the kills were in the midst of it
        sweep()
    is_whole()
    assert set(Event.objects.values_list("flow_id", flat=True)) == {"flow-7"}
    assert FlowKey.objects.filter(key="order:8").exists()


def _killed_after(seconds: float) -> bool:
    """Whether a process of its own was still at work when it was killed."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            loop.run(threading.Event())
        finally:
            os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def test_what_comes_in_meanwhile_is_whole_and_room_comes_back() -> None:
    orders(0, ORDERS, OLD)
    with configured(events="30d", receipts="40d"):
        summarised()
        full = room.room()
        connections.close_all()
        child = os.fork()
        if child == 0:
            try:
                loop.run(threading.Event())
            finally:
                os._exit(0)
        try:
            orders(ORDERS, ORDERS, NOW)
            summarised()
            end = time.monotonic() + 60
            while Event.objects.filter(received_at__lt=NOW).exists() and time.monotonic() < end:
                time.sleep(0.05)
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        left = Counter(Event.objects.values_list("flow_id", flat=True))
        assert left == {f"flow-{number}": EACH for number in range(ORDERS, 2 * ORDERS)}
        is_whole()
        orders(2 * ORDERS, ORDERS, NOW)  # takes the room of what is gone
        assert room.room().log is None or (room.room().log or 0) <= room.LOG
        if connection.vendor == "sqlite":
            assert room.room().file < 2.6 * full.file  # and not three times


def test_a_sqlite_file_gets_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL uses the room again and keeps the file")
    monkeypatch.setattr(room, "RESERVE", 0)
    monkeypatch.setattr(room, "STEP", 200_000)
    orders(0, ORDERS, OLD)
    with configured(events="30d", receipts="40d"):
        summarised()
        full = room.room()
        sweep()
    now = room.room()
    assert now.file < 0.7 * full.file
    assert now.file - now.used <= now.file // 20 + 200_000


def test_past_its_size_the_oldest_go_until_it_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "BATCH", 20)
    monkeypatch.setattr(room, "FEW", 100)
    orders(0, ORDERS, NOW - timedelta(days=1))
    with configured():
        summarised()
        full = samples.take(NOW)
    most = full.used_bytes * 3 // 4
    with configured(max_size=f"{most // 1000}KB"):
        sweep()
        assert room.room().used <= most
    is_whole()
    left = Event.objects.count()
    assert 0.3 * ORDERS * EACH < left < 0.9 * ORDERS * EACH  # and no more than had to go
    first = Flow.objects.get(flow_id="flow-0")
    assert first.cut_events == EACH
    assert Flow.objects.get(flow_id=f"flow-{ORDERS - 1}").truncated_before is None
