"""The work that bench/metrics.py measures; imported with Django set up."""

import json
import statistics
import time

from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from console import metrics
from kit import clock
from lag.models import Position, Snapshot

CONSUMERS = 1_000
STREAMS = 10
SCRAPES = 200
SCRAPE_S = 0.010  # at most (DESIGN, figures)


def main() -> None:
    """Measure, and print the rows as the last line."""
    call_command("migrate", verbosity=0)
    _seed()
    metrics.render()
    client = Client(SERVER_NAME="localhost")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        body = client.get("/metrics").content
    assert body.count(b"\ncascade_lag_messages{") == CONSUMERS
    assert len(asked) == 1
    took = [_timed(client) for _ in range(SCRAPES)]
    figure = 1 / statistics.median(took)
    row = {
        "name": f"metrics: scrapes a second of 1,000 consumers, {connection.vendor}",
        "figure": figure,
        "raw": 1 / SCRAPE_S,
        "ratio": figure * SCRAPE_S,
        "target": 1.0,
    }
    print(json.dumps([row]))


def _timed(client: Client) -> float:
    start = time.perf_counter()
    client.get("/metrics")
    return time.perf_counter() - start


def _seed() -> None:
    """A broker as it was sampled: 1,000 consumers on ten streams, some of them behind."""
    now = clock.now()
    Snapshot.objects.create(broker="shop", at=now, sampled_at=now, took_ms=50)
    Position.objects.bulk_create(
        Position(
            broker="shop",
            stream=f"orders.{number % STREAMS}",
            topic="orders",
            consumer=f"consumer-{number // STREAMS}",
            sampled_at=now,
            messages=number % 97,
            method="exact",
            oldest_s=float(number % 97),
            oldest_pending_s=0.0,
            pending=number % 3,
            processes=2,
            lost=0,
        )
        for number in range(CONSUMERS)
    )
