"""Looking changes nothing (promise 12): an hour of watching, compressed, on a real Redis.

Two witnesses: MONITOR shows every command but the administrative ones; and the console comes as a
user who may only read (docs/observe.md), so that ACL LOG shows whatever else it would have tried.
"""

import re
import threading
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core.management import call_command
from django.test import Client

from brokers import config as configuration
from brokers import discovery
from brokers.config import BrokerConfig, Config
from brokers.connect import connect
from console import tap_cursors
from console.rulebook import Rulebook
from console.tap import Tap
from dlq.models import Letter
from kit.models import User
from kit.permissions import Role
from lag import sampler
from tests.support.redis_server import RedisServer
from tracing.models import Event, Receipt
from tracing.summariser import summarise_all

pytestmark = pytest.mark.django_db(transaction=True)

DOC = Path(__file__).parents[2] / "docs" / "observe.md"
ROUNDS = 240  # of everything; each stands for 15 s
READING = {
    *("SCAN", "TYPE", "TIME", "XINFO", "XRANGE", "XREVRANGE", "XREAD", "XPENDING", "MULTI", "EXEC"),
    *("HGETALL", "INFO", "PING", "AUTH", "SELECT", "CONFIG"),
}
PAGES = (
    *("/", "/orders", "/orders/flow-1", "/orders/flow-1?view=graph", "/topology", "/lag"),
    *("/dead-letters", "/replays", "/settings", "/metrics", "/readyz", "/api/lag", "/api/topology"),
    *("/api/cascades", "/api/cascades/flow-1", "/api/dead-letters", "/api/dead-letter-groups"),
)


class Witness:
    """What others than the foreign app ask of a server."""

    def __init__(self, server: RedisServer) -> None:
        client: Any = redis.Redis(port=server.port, socket_timeout=None)
        self._monitor = client.monitor()
        self._lines: list[tuple[str, str]] = []  # address of the client, command
        self._end = threading.Event()

    def __enter__(self) -> "Witness":
        self._monitor.__enter__()
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(timeout=10)

    def _listen(self) -> None:
        for line in self._monitor.listen():
            command = str(line["command"])
            self._lines.append((f"{line['client_address']}:{line['client_port']}", command))
            if self._end.is_set() or command.startswith("ECHO the-end"):
                return

    def commands(self, foreign: set[str]) -> set[str]:
        """The names of the commands that were sent, but for those of these clients."""
        return {text.split()[0].upper() for address, text in self._lines if address not in foreign}


class Foreign:
    """An app that never heard of the console: JSON, groups of its own, a queue for the dead."""

    def __init__(self, server: RedisServer) -> None:
        self.redis: Any = server.client()
        self.redis.connection_pool.max_connections = 1
        self.address = ":".join(map(str, self._socket().getsockname()))
        for name in ("billing", "audit"):
            self.redis.xgroup_create("orders", name, "0", mkstream=True)
        self.number = 0

    def _socket(self) -> Any:
        self.redis.ping()
        (connection,) = self.redis.connection_pool._available_connections
        return connection._sock

    def work(self) -> None:
        """Publish, handle, give something up."""
        for _ in range(3):
            self.number += 1
            fields = {"orderId": self.number, "total": "12.50"}
            self.redis.xadd("orders", fields, maxlen=500, approximate=False)
        for name in ("billing", "audit"):
            reply = self.redis.xreadgroup(name, "p1", {"orders": ">"}, count=3)
            for _, items in reply:
                for position, fields in items[:-1]:
                    self.redis.xack("orders", name, position)
                    if self.number % 30 == 0:
                        self.redis.xadd("orders.billing.dlq", {**fields, "error": "KeyError"})
        self.redis.set(f"cache:{self.number}", "x")


def state(server: RedisServer) -> dict[str, Any]:
    """Everything a server holds and is set to."""
    client: Any = server.client()
    keys = sorted(client.keys())
    streams = [key for key in keys if client.type(key) == b"stream"]
    return {
        "config": client.config_get("*"),
        "keys": {key: client.dump(key) for key in keys},
        "groups": {key: client.xinfo_groups(key) for key in streams},
        "members": {
            (key, group["name"]): [
                (one["name"], one["pending"])
                for one in client.xinfo_consumers(key, group["name"].decode())
            ]
            for key in streams
            for group in client.xinfo_groups(key)
        },
        "streams": {key: client.xinfo_stream(key) for key in streams},
    }


@pytest.fixture
def server() -> Iterator[RedisServer]:
    server = RedisServer()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Discovery, checks, sampling and inference in every round."""
    monkeypatch.setattr(discovery, "REFRESH_S", 0.0)
    monkeypatch.setattr(tap_cursors, "CHECK_EVERY_S", 0.0)
    monkeypatch.setattr(sampler, "LEAST_BETWEEN", -sampler.CLOCK_SET_BACK)
    connect.cache_clear()
    yield
    connect.cache_clear()
    configuration.use(Config)


def use(server: RedisServer, user: str, *, tap: bool = False) -> Tap:
    config = BrokerConfig(
        name="shop", url=f"redis://{user}127.0.0.1:{server.port}/0", tap=tap, start=""
    )
    configuration.use(lambda: Config(brokers=(config,)))
    connect.cache_clear()
    return Tap([connect("shop")], Rulebook(), "a")


def look(client: Client) -> None:
    """Every page, every command."""
    flow = Event.objects.values_list("flow_id", flat=True).first() or "none"
    letter = Letter.objects.values_list("pk", flat=True).first()
    pages = [page.replace("flow-1", flow) for page in PAGES]
    if letter:
        pages += [f"/dead-letters/{letter}", f"/dead-letters/{letter}/edit"]
    for page in pages:
        # 503: no snapshot is rendered, and the console's own Redis is not there
        assert client.get(page).status_code in (200, 404, 503), page
    for command in ("brokers", "lag"):
        call_command(command, "--json", stdout=StringIO())
    call_command("dlq", "list", "--json", stdout=StringIO())
    if letter:
        for way in (f"{letter}/replay", f"{letter}/discard", "plan", "discard"):
            client.post(f"/dead-letters/{way}", {"reason": "try", "letter": letter})


def watch(tap: Tap, foreign: Foreign | None, rounds: int) -> None:
    client = Client()
    person, _ = User.objects.get_or_create(username="ann", defaults={"role": Role.ADMIN.value})
    client.force_login(person)
    for number in range(rounds):
        if foreign:
            foreign.work()
        sampler.sample(connect("shop"))
        tap.round(1)
        tap._next_follow = 0.0
        tap._follow_when_due()
        if number % 60 == 0:
            summarise_all()
            look(client)


def test_an_hour_of_watching_sends_no_write(server: RedisServer) -> None:
    admin: Any = server.client()
    (rule,) = re.findall(r"^ACL SETUSER (console .*)$", DOC.read_text(), re.MULTILINE)
    foreign = Foreign(server)
    for _ in range(20):
        foreign.work()
    before = state(server)
    admin.execute_command("ACL", "SETUSER", *rule.split())
    tap = use(server, "console:secret@")
    with Witness(server) as witness:
        watch(tap, None, 20)  # connecting, while the app is still
        assert state(server) == before
        watch(tap, foreign, ROUNDS)
        before = state(server)
        watch(tap, None, 20)
        assert state(server) == before
        admin.echo("the-end")
    assert Event.objects.count() > ROUNDS
    assert Receipt.objects.filter(origin="inferred", outcome="handled").count() > ROUNDS
    assert Letter.objects.exists()
    assert admin.execute_command("ACL", "LOG") == []
    own = {foreign.address}
    seen = witness.commands(own)
    assert {"XREAD", "SCAN", "XINFO", "XPENDING"} <= seen
    mine = {"HELLO", "KEYS", "DUMP", "ECHO"}  # of this test
    assert seen - mine <= READING


def test_the_witness_sees_a_write(server: RedisServer) -> None:
    foreign = Foreign(server)
    foreign.work()
    tap = use(server, "", tap=True)
    with Witness(server) as witness:
        watch(tap, None, 2)
        server.client().echo("the-end")
    assert {"XGROUP", "XREADGROUP", "XACK"} <= witness.commands({foreign.address}) - READING


def test_who_may_only_read_is_found_out(server: RedisServer) -> None:
    admin: Any = server.client()
    (rule,) = re.findall(r"^ACL SETUSER (console .*)$", DOC.read_text(), re.MULTILINE)
    admin.execute_command("ACL", "SETUSER", *rule.split())
    foreign = Foreign(server)
    foreign.work()
    tap = use(server, "console:secret@", tap=True)
    watch(tap, None, 1)
    assert admin.execute_command("ACL", "LOG") != []
