"""The work that bench/taps.py measures; imported with Django set up.

One tap and two take turns, round by round. All are started and connected before; the clock runs
from the word until the last of them finds nothing more.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from django.core.management import call_command
from django.db import connection

from bench.tap_work import EVENTS, _fields, _publish
from tests.support.redis_server import RedisServer
from tracing.models import Event

ROUNDS = 4  # of each kind
PROCESSES = 2
LEAST = 1.25  # DESIGN, figures
CHILD = "import django; django.setup(); from bench.taps_process import main; main()"


def main() -> None:
    """Measure, and print the rows as the last line."""
    call_command("migrate", verbosity=0)
    server = RedisServer()
    try:
        with ExitStack() as stack:
            taps = [stack.enter_context(_tap(server.url, n)) for n in range(PROCESSES)]
            print(json.dumps([_measured(server, taps)]))
    finally:
        server.stop()


def _measured(server: RedisServer, taps: Sequence["subprocess.Popen[str]"]) -> dict[str, Any]:
    took = [0.0] * (PROCESSES + 1)
    published = 0
    for count in [1, PROCESSES] * ROUNDS:
        _publish(server.client(), [_fields(published + n) for n in range(EVENTS)])
        published += EVENTS
        start = time.perf_counter()
        for tap in taps[:count]:
            _say(tap)
        for tap in taps[:count]:
            _heard(tap)
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


@contextmanager
def _tap(url: str, number: int) -> Iterator["subprocess.Popen[str]"]:
    """A tap in a process of its own, ready."""
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, url, f"bench-{number}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        _heard(process)
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(10)


def _say(tap: "subprocess.Popen[str]") -> None:
    assert tap.stdin is not None
    tap.stdin.write("drain\n")
    tap.stdin.flush()


def _heard(tap: "subprocess.Popen[str]") -> None:
    assert tap.stdout is not None
    assert tap.stdout.readline()
