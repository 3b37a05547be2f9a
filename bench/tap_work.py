"""The work that bench/tap.py measures; imported with Django set up.

Figure and raw count events and nothing else; there are no receipts in it. HTTP is measured from
Django's handler inwards: the tap's other half, without a web server's own work.

Raw and tap take turns, round by round on stores of the same size, so that a busy machine and a
growing store weigh on both alike. Raw is the event rows alone, ready made, with the same indexes
and the same transactions; the tap reads, checks, keeps appearances, keys and flows besides.
"""

import json
import sqlite3
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client

from bench.tap_process import KEYS, TapProcess
from brokers import config as configuration
from brokers.config import Config
from brokers.contract import Entry
from console.tap import share_the_lock
from console.tap_reading import BATCH
from kit.models import ApiToken, User
from kit.sqlite.base import PRAGMAS
from tests.support.redis_server import RedisServer
from tracing import columns
from tracing.bulk import Row, moment
from tracing.envelope import Envelope, from_entry
from tracing.models import Event
from tracing.prepare import Seen, event_row

ROUNDS = 5
EVENTS = 10_000  # a round
FLOW = 10  # events of one order
REST_S = 1.0  # longer than Redis takes to write what was published
STREAMS = 3
TARGET = {"sqlite": 0.5, "postgresql": 0.4}  # DESIGN, figures
LINES = [{"sku": f"sku-{number}", "quantity": 1, "price": "19.90"} for number in range(4)]
Fields = dict[str, str]
Write = Callable[[list[Row]], None]


def main() -> None:
    """Measure, and print the rows as the last line."""
    call_command("migrate", verbosity=0)
    share_the_lock()
    configuration.use(lambda: Config(keys=KEYS))
    server = RedisServer()
    try:
        write = _raw_sqlite() if connection.vendor == "sqlite" else _raw_postgresql()
        print(json.dumps([_measured(server, write), _posted(write)]))
    finally:
        server.stop()


def _measured(server: RedisServer, write: Write) -> dict[str, Any]:
    raw = taken = 0.0
    with TapProcess(server.url, "bench") as tap:
        for number in range(ROUNDS):
            entries = [_fields(number * EVENTS + index) for index in range(EVENTS)]
            rows = [_row(fields) for fields in entries]
            raw += _timed(lambda rows=rows: write(rows))  # type: ignore[misc]
            _publish(server.client(), entries)
            taken += _timed(tap.drain)
    assert Event.objects.count() == ROUNDS * EVENTS
    figure, limit = ROUNDS * EVENTS / taken, ROUNDS * EVENTS / raw
    return {
        "name": f"tap: events a second, {connection.vendor}",
        "figure": figure,
        "raw": limit,
        "ratio": figure / limit,
        "target": TARGET[connection.vendor],
    }


def _posted(write: Write) -> dict[str, Any]:
    """Batches by HTTP, into the same tables; raw goes on in its own."""
    user = User.objects.create_user("bench", role="admin")
    token = ApiToken.issue(user, "bench", ["ingest"])[1]
    client = Client(SERVER_NAME="localhost", headers={"authorization": f"Bearer {token}"})
    raw = taken = 0.0
    for number in range(ROUNDS):
        first = (ROUNDS + number) * EVENTS
        entries = [_fields(first + index) for index in range(EVENTS)]
        rows = [_row(fields) for fields in entries]
        bodies = [_json_batch(entries[at : at + BATCH]) for at in range(0, EVENTS, BATCH)]
        raw += _timed(lambda rows=rows: write(rows))  # type: ignore[misc]
        taken += _timed(lambda bodies=bodies: _post(client, bodies))  # type: ignore[misc]
    assert Event.objects.count() == 2 * ROUNDS * EVENTS
    figure, limit = ROUNDS * EVENTS / taken, ROUNDS * EVENTS / raw
    return {
        "name": f"HTTP batches of {BATCH}: events a second, {connection.vendor}",
        "figure": figure,
        "raw": limit,
        "ratio": figure / limit,
        "target": 0.35,  # DESIGN, figures
    }


def _json_batch(entries: Sequence[Fields]) -> str:
    """The same events as one body."""
    return json.dumps(
        [
            {name[3:]: value for name, value in fields.items() if name.startswith("ce-")}
            | {"data": json.loads(fields["data"])}
            for fields in entries
        ]
    )


def _post(client: Client, bodies: Sequence[str]) -> None:
    for body in bodies:
        kind = "application/cloudevents-batch+json"
        answer = client.post("/api/events", body, content_type=kind)
        assert answer.status_code == 202, answer.content


def _timed(work: Callable[[], None]) -> float:
    """Seconds; first a rest, so that the writes before are on the disk and weigh on neither."""
    time.sleep(REST_S)
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _fields(index: int) -> Fields:
    order = str(4711 + index // FLOW)
    data = {"order_id": order, "total": "79.60", "currency": "EUR", "lines": LINES}
    return {
        "ce-specversion": "1.0",
        "ce-id": str(uuid.uuid4()),
        "ce-source": "/shop/orders",
        "ce-type": f"Step{index % FLOW}",
        "ce-time": datetime.now(UTC).isoformat(),
        "ce-subject": order,
        "ce-correlationid": str(uuid.uuid5(uuid.NAMESPACE_OID, order)),
        "ce-causationid": str(uuid.uuid4()),
        "ce-partitionkey": order,
        "ce-traceparent": f"00-{uuid.uuid4().hex}-{uuid.uuid4().hex[:16]}-01",
        "content-type": "application/json",
        "data": json.dumps(data),
    }


def _publish(client: redis.Redis, entries: Sequence[Fields]) -> None:
    for start in range(0, len(entries), BATCH):
        pipe = client.pipeline(transaction=False)
        for number, fields in enumerate(entries[start : start + BATCH]):
            pipe.xadd(f"orders.{number % STREAMS}", fields)  # type: ignore[arg-type]
        pipe.execute()


def _row(fields: Fields) -> Row:
    """What the tap will make of it, ready made."""
    headers = {name: value for name, value in fields.items() if name != "data"}
    body = fields["data"].encode()
    event = from_entry(Entry("raw", "orders.0", "orders", "1-0", None, headers, body))
    assert isinstance(event, Envelope)
    now = datetime.now(UTC)
    place = Seen("shop", "orders.0", "orders", "1700000000000-0", now, event)
    return event_row(event, place, moment(now))


def _raw_sqlite() -> Write:
    """executemany into a file with the same table and indexes, as durable as ours."""
    raw = sqlite3.connect(Path(settings.CONSOLE_HOME) / "raw.sqlite3")
    raw.executescript(PRAGMAS)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sql FROM sqlite_master WHERE tbl_name = 'tracing_event' AND sql IS NOT NULL"
            " ORDER BY type DESC"
        )
        for (definition,) in cursor.fetchall():
            raw.execute(definition)
    insert = columns.EVENT.insert(f"VALUES ({', '.join('?' * len(columns.EVENT.columns))})")

    def write(rows: list[Row]) -> None:
        for start in range(0, len(rows), BATCH):
            raw.executemany(insert, rows[start : start + BATCH])
            raw.commit()

    return write


def _raw_postgresql() -> Write:
    """COPY into the same table and indexes, by a bare connection."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE raw_event (LIKE tracing_event INCLUDING ALL)")
    raw = connection.get_new_connection(connection.get_connection_params())
    copy_in = f"COPY raw_event ({', '.join(columns.EVENT.columns)}) FROM STDIN"

    def write(rows: list[Row]) -> None:
        for start in range(0, len(rows), BATCH):
            with raw.cursor() as cursor, cursor.copy(copy_in) as copy:
                for row in rows[start : start + BATCH]:
                    copy.write_row(row)
            raw.commit()

    return write
