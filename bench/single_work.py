"""The work that bench/single.py measures; imported with Django set up.

The three views take turns, round by round, so that a busy machine and a growing store weigh on all
of them alike.
"""

import itertools
import json
import uuid
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from bench.load import Target, posted
from kit.models import ApiToken, User
from tests.support.web import RunningWeb
from tracing.models import Event

CONNECTIONS = 32
ROUNDS = 4
ROUND_S = 2.0
PATHS = {"grouped": "/api/events", "row": "/api/bench/row", "nothing": "/api/bench/nothing"}
LEAST = {"row": 4.0, "nothing": 0.5}  # DESIGN, figures
DATA = {"order_id": "4711", "total": "79.60", "currency": "EUR", "lines": ["a-17", "b-4"]}


def main() -> None:
    """Measure, and print the rows as the last line."""
    call_command("migrate", verbosity=0)
    user = User.objects.create_user("bench", role="admin")
    token = ApiToken.issue(user, "bench", ["ingest"])[1]
    settings_of = {"DJANGO_SETTINGS_MODULE": "bench.site.settings"}
    with RunningWeb(Path(settings.CONSOLE_HOME), **settings_of) as web:
        rates = _measured({name: Target(web.port, path, token) for name, path in PATHS.items()})
    names = {"row": "a commit each", "nothing": "storing nothing"}
    rows = [
        {
            "name": f"HTTP single, {connection.vendor}: beside {names[other]}",
            "figure": rates["grouped"],
            "raw": rates[other],
            "ratio": rates["grouped"] / rates[other],
            "target": least,
        }
        for other, least in LEAST.items()
    ]
    print(json.dumps(rows))


def _measured(targets: dict[str, Target]) -> dict[str, float]:
    """Answers a second of each view."""
    bodies = _bodies()
    for target in targets.values():
        posted(target, bodies, CONNECTIONS, ROUND_S / 2)  # warm
    before = Event.objects.count()
    sums = dict.fromkeys(targets, 0.0)
    for _ in range(ROUNDS):
        for name, target in targets.items():
            sums[name] += posted(target, bodies, CONNECTIONS, ROUND_S)
    assert Event.objects.count() > before
    return {name: total / ROUNDS for name, total in sums.items()}


def _bodies() -> Iterator[bytes]:
    """Events that nobody has sent before, each of a flow of its own."""
    for number in itertools.count():
        event = {
            "specversion": "1.0",
            "id": str(uuid.uuid4()),
            "source": "/shop/orders",
            "type": "OrderPlaced",
            "time": "2026-08-18T14:23:04.123456Z",
            "correlationid": str(uuid.uuid4()),
            "partitionkey": str(number),
            "data": DATA,
        }
        yield json.dumps(event).encode()
