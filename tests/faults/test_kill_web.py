"""kill -9 of the web server while many post to it: what was answered by 2xx is in the database.

Looked at by bare SQL, on both databases, so that the product does not judge itself.
"""

import http.client
import json
import random
import sqlite3
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support.postgres_server import PostgresServer
from tests.support.web import RunningWeb
from tests.tracing.spanning import as_json, span

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]
KILLS = 6
POSTERS = 16
ALIVE_S = (0.5, 2.5)  # how long it lives between two kills
LEAST = 50  # of each kind must have been answered, for the test to say anything
BATCH = 5
Rows = Callable[[str], list[tuple[str, ...]]]


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[RunningWeb, Rows]]:
    """A web server, and a way to its database that goes past it."""
    if request.param == "sqlite":
        web = RunningWeb(tmp_path / "var", DATABASE_URL="")
        yield web, lambda sql: sqlite3.connect(web.home / "console.sqlite3").execute(sql).fetchall()
        web.stop()
        return
    with PostgresServer() as database:
        url = database.database("killed")
        web = RunningWeb(tmp_path / "var", DATABASE_URL=url)
        yield web, lambda sql: psycopg.connect(url).execute(sql.encode()).fetchall()
        web.stop()


class Poster(threading.Thread):
    """Posts events of every kind until it is told to end; keeps what was answered by 2xx."""

    def __init__(self, number: int, web: RunningWeb, token: str, end: threading.Event) -> None:
        super().__init__(daemon=True)
        self._random = random.Random(number)
        self._web, self._token, self._end = web, token, end
        self._connection: http.client.HTTPConnection | None = None
        self.accepted: list[tuple[str, str]] = []  # kind and id
        self.failed = 0
        self.answers: Counter[int] = Counter()

    def run(self) -> None:
        """One request after the other; a server that is away is asked again soon."""
        kinds = [self._structured, self._structured, self._binary, self._batch, self._trace]
        while not self._end.is_set():
            kind, ids, path, body, headers = self._random.choice(kinds)()
            try:
                status = self._post(path, body, headers)
            except (OSError, http.client.HTTPException):
                self._connection = None
                self.failed += 1
                time.sleep(0.05)
                continue
            self.answers[status] += 1
            if status in (200, 202):
                self.accepted += [(kind, one) for one in ids]

    def _post(self, path: str, body: bytes, headers: dict[str, str]) -> int:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._web.port, timeout=60)
        named = {"Authorization": f"Bearer {self._token}", **headers}
        self._connection.request("POST", path, body, named)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status

    def _structured(self) -> tuple[str, list[str], str, bytes, dict[str, str]]:
        event = made()
        body = json.dumps({**event, "data": {"order_id": 1}}).encode()
        kind = {"Content-Type": "application/cloudevents+json"}
        return "structured", [event["id"]], "/api/events", body, kind

    def _binary(self) -> tuple[str, list[str], str, bytes, dict[str, str]]:
        event = made()
        headers = {f"ce-{name}": value for name, value in event.items()}
        headers["Content-Type"] = "application/octet-stream"
        return "binary", [event["id"]], "/api/events", b"\0\1", headers

    def _batch(self) -> tuple[str, list[str], str, bytes, dict[str, str]]:
        events = [made() for _ in range(BATCH)]
        kind = {"Content-Type": "application/cloudevents-batch+json"}
        ids = [event["id"] for event in events]
        return "batch", ids, "/api/events", json.dumps(events).encode(), kind

    def _trace(self) -> tuple[str, list[str], str, bytes, dict[str, str]]:
        number = self._random.getrandbits(60) + 1
        body = as_json(span("producer", number, of=number, messaging__destination__name="orders"))
        return "trace", [f"{number:016x}"], "/v1/traces", body, {"Content-Type": "application/json"}


def made() -> dict[str, str]:
    """A new event's attributes."""
    flow = str(uuid.uuid4())
    event = {"specversion": "1.0", "id": str(uuid.uuid4()), "source": "/posted", "type": "Posted"}
    return {**event, "correlationid": flow}


def test_every_2xx_is_in_the_store(server: tuple[RunningWeb, Rows]) -> None:
    web, rows = server
    token, end = web.prepare(), threading.Event()
    web.start()
    posters = [Poster(number, web, token, end) for number in range(POSTERS)]
    for poster in posters:
        poster.start()
    chosen = random.Random(4)
    for _ in range(KILLS):
        time.sleep(chosen.uniform(*ALIVE_S))
        web.kill()
        web.start()
    time.sleep(ALIVE_S[1])
    end.set()
    for poster in posters:
        poster.join(90)
        assert not poster.is_alive()
    web.kill()

    accepted = [one for poster in posters for one in poster.accepted]
    told = Counter(kind for kind, _ in accepted)
    assert all(told[kind] >= LEAST for kind in ("structured", "binary", "batch", "trace")), told
    assert sum(poster.failed for poster in posters) >= KILLS  # requests were cut off
    answers = sum((poster.answers for poster in posters), Counter[int]())
    assert set(answers) <= {200, 202, 429, 503}, answers

    stored = [row[0] for row in rows("SELECT event_id FROM tracing_event WHERE source = '/posted'")]
    spans = {row[0] for row in rows("SELECT span_id FROM tracing_span")}
    ids = {one for kind, one in accepted if kind != "trace"}
    assert ids - set(stored) == set()
    assert {one for kind, one in accepted if kind == "trace"} - spans == set()
    assert len(stored) == len(set(stored))
    flows = "SELECT event_id FROM tracing_event JOIN tracing_flow USING (flow_id)"
    assert set(stored) <= {row[0] for row in rows(flows)}  # committed with what belongs to them
