"""The work that bench/cascade.py measures; imported with Django set up.

The raw limit reads the rows of the same cascade by bare SELECTs and writes a document of the same
content by `json.dumps`: no node, no edge, no anomaly is made. Both take turns.
"""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median
from typing import Any

from django.core.management import call_command
from django.db import connection
from django.test import Client

import console.wsgi  # noqa: F401  # the garbage collector as the server has it
from brokers.contract import Entry
from cascade_client.fields import RECEIPT_TYPE
from kit.models import User
from kit.writes import writing
from tracing import store
from tracing.reading import EVENT_FIELDS, PLACE_FIELDS, RECEIPT_FIELDS
from tracing.summariser import summarise_all

EVENTS = 5_000  # and as many deliveries; every event leads to FAN more
FAN = 3
BATCH = 500
ROUNDS = 9
LONGEST_S = 0.3  # of the document (DESIGN, figures)
START = datetime(2026, 8, 18, 14, 0, tzinfo=UTC)
FLOW, SOURCE = "flow-1", "/shop/orders"
JSON = f"/api/cascades/{FLOW}"
PAGES = {view: f"/orders/{FLOW}?view={view}" for view in ("timeline", "graph", "table")}


def main() -> None:
    """Measure, and print the rows as the last line."""
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    _seed()
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.create_user("bench", role="admin"))
    document = json.loads(_get(client, JSON))
    assert len(document["nodes"]) == 2 * EVENTS
    whole, raw = _alternately(partial(_get, client, JSON), partial(_bare, document))
    kind = connection.vendor
    rows = [
        _row(f"cascade of 10,000 nodes a minute, {kind}", median(whole), median(raw), 0.3),
        _row(f"cascade of 10,000 nodes a minute, at best, {kind}", min(whole), LONGEST_S, 1.0),
    ]
    for view, url in PAGES.items():
        page, again = _alternately(partial(_get, client, url), partial(_get, client, JSON))
        rows.append(_row(f"its {view} a minute, {kind}", median(page), median(again), 0.5))
    print(json.dumps(rows))


def _row(name: str, figure_s: float, raw_s: float, target: float) -> dict[str, Any]:
    ratio = raw_s / figure_s
    return {
        "name": name,
        "figure": 60 / figure_s,
        "raw": 60 / raw_s,
        "ratio": ratio,
        "target": target,
    }


def _alternately(one: Callable[[], Any], other: Callable[[], Any]) -> list[tuple[float, ...]]:
    """The seconds that each takes, round by round."""
    return list(zip(*[(_timed(one), _timed(other)) for _ in range(ROUNDS)], strict=True))


def _timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _get(client: Client, url: str) -> bytes:
    answer = client.get(url)
    assert answer.status_code == 200, answer.content
    return bytes(answer.content)


def _bare(document: Any) -> str:
    """The rows as the driver gives them, and a document of the same size."""
    with connection.cursor() as cursor:
        for table, fields in (
            ("tracing_event", (*EVENT_FIELDS, *PLACE_FIELDS)),
            ("tracing_receipt", RECEIPT_FIELDS),
        ):
            names = ", ".join(fields)
            cursor.execute(f"SELECT {names} FROM {table} WHERE flow_id = %s ORDER BY id", [FLOW])  # noqa: S608
            cursor.fetchall()
    return json.dumps(document)


def _seed() -> None:
    """Through the store, as a tap does."""
    entries = [*map(_event, range(EVENTS)), *map(_receipt, range(EVENTS))]
    for start in range(0, len(entries), BATCH):
        with writing():
            part = [store.seen(entry) for entry in entries[start : start + BATCH]]
            store.take(part, keys={"order": "/order_id"})
    summarise_all()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def _event(number: int) -> Entry:
    headers = {
        "ce-id": f"e{number}",
        "ce-source": SOURCE,
        "ce-type": f"Type{number % 9}",
        "ce-causationid": f"e{(number - 1) // FAN}" if number else "",
        "ce-partitionkey": "order-4711",
        "content-type": "application/json",
    }
    return _entry("orders.0", 7 * number, headers, {"order_id": "4711", "total": "89.90"})


def _receipt(number: int) -> Entry:
    headers = {"ce-id": f"r{number}", "ce-source": "/shop/payment", "ce-type": RECEIPT_TYPE}
    started = START + timedelta(milliseconds=7 * number + 3)
    body = {
        "event_source": SOURCE,
        "event_id": f"e{number}",
        "consumer": f"consumer-{number % 5}",
        "outcome": "succeeded",
        "started_at": started.isoformat().replace("+00:00", "Z"),
        "duration_ms": 2,
        "stream": "orders.0",
        "position": f"{number}-0",
        "process": f"process-{number % 3}",
        "events": [{"source": SOURCE, "id": f"e{effect}"} for effect in _effects(number)],
    }
    return _entry("cascade.receipts", 7 * number + 5, headers, body)


def _effects(number: int) -> Iterator[int]:
    return (n for n in range(FAN * number + 1, FAN * number + FAN + 1) if n < EVENTS)


def _entry(stream: str, at: int, headers: dict[str, str], body: object) -> Entry:
    moment = START + timedelta(milliseconds=at)
    said = {"ce-specversion": "1.0", "ce-correlationid": FLOW, **headers}
    return Entry(
        broker="shop",
        stream=stream,
        topic=stream.partition(".")[0],
        position=f"{int(moment.timestamp() * 1000)}-0",
        time=moment,
        headers={name: value for name, value in said.items() if value},
        body=json.dumps(body).encode(),
    )
