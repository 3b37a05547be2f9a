"""The work that bench/taps.py measures; imported with Django set up.

One tap and two take turns, round by round. All are started and connected before; the clock runs
from the word until the last of them finds nothing more.
"""

import json
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from django.core.management import call_command
from django.db import connection

from bench.tap_process import TapProcess
from bench.tap_work import EVENTS, _fields, _publish
from tests.support.redis_server import RedisServer
from tracing.models import Event

ROUNDS = 4  # of each kind
PROCESSES = 2
LEAST = 1.25  # DESIGN, figures


def main() -> None:
    """Measure, and print the rows as the last line."""
    call_command("migrate", verbosity=0)
    server = RedisServer()
    try:
        with ExitStack() as stack:
            names = [f"bench-{number}" for number in range(PROCESSES)]
            taps = [stack.enter_context(TapProcess(server.url, name)) for name in names]
            print(json.dumps([_measured(server, taps)]))
    finally:
        server.stop()


def _measured(server: RedisServer, taps: Sequence[TapProcess]) -> dict[str, Any]:
    took = [0.0] * (PROCESSES + 1)
    published = 0
    for count in [1, PROCESSES] * ROUNDS:
        _publish(server.client(), [_fields(published + n) for n in range(EVENTS)])
        published += EVENTS
        start = time.perf_counter()
        for tap in taps[:count]:
            tap.begin()
        for tap in taps[:count]:
            tap.wait()
        took[count] += time.perf_counter() - start
    assert Event.objects.count() == published
    one, two = ROUNDS * EVENTS / took[1], ROUNDS * EVENTS / took[PROCESSES]
    return {
        "name": f"second tap: events a second of two beside one, {connection.vendor}",
        "figure": two,
        "raw": one,
        "ratio": two / one,
        "target": LEAST,
    }
