"""kill -9 of the worker, again and again while a replay runs: nothing is sent twice or lost."""

import os
import random
import signal
import time
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connections

from dlq import engine
from dlq.models import Item
from tests.dlq.scene import Scene, pump, run, states

LETTERS = 400
KILLS = 12
LEASE = timedelta(milliseconds=200)


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_again_and_again(shop: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("leases", "sending", "recovery"):
        monkeypatch.setattr(f"dlq.{module}.LEASE", LEASE)
    monkeypatch.setattr(engine, "SLICE", 25)
    shop.die(*range(1, LETTERS + 1))
    replay = run(*shop.letters())
    dice = random.Random(4711)
    killed = sum(_killed_after(dice.uniform(0.02, 0.25)) for _ in range(KILLS))
    assert killed
    _finish()
    sent = Counter(fields[b"ce-id"] for fields in shop.sent())
    assert set(sent.values()) == {1}
    assert len(sent) == LETTERS
    assert shop.queued() == 0
    assert set(states(replay)) == {"sent"}


def _killed_after(seconds: float) -> bool:
    """Whether a worker of its own process was still at work when it was killed."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            for _ in range(100):
                pump()
        finally:
            os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def _finish() -> None:
    """What is left is done by a worker that lives."""
    for _ in range(100):
        time.sleep(LEASE.total_seconds() / 2)
        pump()
        if not Item.objects.filter(state__in=("waiting", "sending")).exists():
            return
    raise AssertionError("the replay does not end")
