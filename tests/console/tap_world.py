"""A Redis with the shop's shapes on it, and a tap."""

import json
import os
from pathlib import Path
from typing import Any

import redis
from django.db import connection

from brokers import config as configuration
from brokers.config import TAP_GROUP, BrokerConfig, Config
from brokers.redis_streams import RedisStreams
from cascade_client.fields import RECEIPT_TYPE, RECEIPTS
from console.rulebook import Rulebook
from console.tap import Tap

KEYS = {"order": "/order_id"}


class World:
    """A Redis with the shop's shapes on it, and a tap."""

    def __init__(self, url: str, *, tap: bool = True, start: str = "") -> None:
        self.redis: redis.Redis = redis.Redis.from_url(url, protocol=2)
        config = BrokerConfig(name="shop", url=url, tap=tap, start=start)
        configuration.use(lambda: Config(brokers=(config,), keys=KEYS))
        self.config = config

    def tap(self, process: str = "a") -> Tap:
        """A tap that has just started."""
        return Tap([RedisStreams(self.config)], Rulebook(), process)

    def event(self, event_id: str, stream: str = "orders.0", **fields: str) -> str:
        """Publish an event; its position."""
        named = {
            "ce-specversion": "1.0",
            "ce-id": event_id,
            "ce-source": "/shop/orders",
            "ce-type": "OrderPlaced",
            "ce-correlationid": "flow-1",
            "content-type": "application/json",
            "data": '{"order_id": 4711}',
        }
        return self.add(stream, {**named, **{k.replace("_", "-"): v for k, v in fields.items()}})

    def receipt(self, event_id: str, outcome: str = "succeeded") -> str:
        """Publish a receipt of payment for an event."""
        data = {
            "event_source": "/shop/orders",
            "event_id": event_id,
            "consumer": "payment",
            "attempt": 1,
            "outcome": outcome,
            "started_at": "2026-08-18T14:23:04.000Z",
            "duration_ms": 12.5,
        }
        fields = {
            "ce-specversion": "1.0",
            "ce-id": f"r-{event_id}-{outcome}",
            "ce-source": "/shop/payment",
            "ce-type": RECEIPT_TYPE,
            "content-type": "application/json",
            "data": json.dumps(data),
        }
        return self.add(RECEIPTS, fields)

    def dead_letter(self, position: str, stream: str = "orders.0", **fields: str) -> str:
        """What a consumer does that gives up the entry at this position."""
        entry: Any = self.redis.xrange(stream, position, position)
        marks = {
            "dead-letter-consumer": "payment",
            "dead-letter-stream": stream,
            "dead-letter-position": position,
            "dead-letter-reason": "attempts",
            "dead-letter-error-type": "KeyError",
            "dead-letter-error-message": "'currency'",
            **fields,
        }
        return self.add("orders.payment.dlq", {**entry[0][1], **marks})

    def add(self, stream: str, fields: dict[Any, Any]) -> str:
        """One entry; its position."""
        return self.redis.xadd(stream, fields).decode()  # type: ignore[union-attr]

    def pending(self, stream: str) -> int:
        """How many entries the tap's group has not acknowledged."""
        return int(self.redis.xpending(stream, TAP_GROUP)["pending"])


def toml(folder: Path, url: str, line: str) -> str:
    """The path of a console.toml with this broker; `line` is one more of it."""
    path = folder / "console.toml"
    path.write_text(f'[[brokers]]\nname = "shop"\nurl = "{url}"\n{line}\n')
    return str(path)


def same_database() -> dict[str, str]:
    """The environment of a process that works on this test's database."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        home = Path(name).parent / "process"
        home.mkdir(exist_ok=True)
        link = home / "console.sqlite3"
        if not link.is_symlink():
            link.symlink_to(name)
        return {"CONSOLE_HOME": str(home)}
    url = os.environ["DATABASE_URL"]
    head, _, query = url.partition("?")
    base = head.rpartition("/")[0]
    return {"DATABASE_URL": f"{base}/{name}" + (f"?{query}" if query else "")}
