"""What can be read off a Redis server about the targets of a replay; reads only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from brokers.redis_wire import Raw, Wire, pairs, text
from cascade_client.fields import HONOURS_MARK, RECLAIMS

FRESH = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Signs:
    """What consumers say of themselves, and how safe the server keeps what was written."""

    now: datetime  # the server's clock
    reclaims: Mapping[str, datetime]  # "stream|consumer"
    honours: Mapping[str, datetime]  # consumer
    why_not_durable: str = ""  # why a crash or a failover may lose a send that was answered

    @property
    def durable(self) -> bool:
        """Whether a send and the removal of its source survive any crash together."""
        return not self.why_not_durable

    def seen_reclaiming(self, stream: str, consumer: str) -> bool:
        """Whether this consumer took up pending entries of this stream just now."""
        return self._fresh(self.reclaims.get(f"{stream}|{consumer}"))

    def honours_mark(self, consumer: str) -> bool:
        """Whether this consumer said just now that it passes marked messages by."""
        return self._fresh(self.honours.get(consumer))

    def _fresh(self, moment: datetime | None) -> bool:
        return moment is not None and self.now - moment < FRESH


def read(wire: Wire) -> Signs:
    """The signs of now; raises BrokerError when the server cannot be reached."""
    seconds, micros = wire.ask("TIME")
    return Signs(
        now=datetime.fromtimestamp(int(seconds) + int(micros) / 1e6, UTC),
        reclaims=_moments(wire.ask("HGETALL", RECLAIMS)),
        honours=_moments(wire.ask("HGETALL", HONOURS_MARK)),
        why_not_durable=_why_not_durable(wire),
    )


def _why_not_durable(wire: Wire) -> str:
    settings = wire.ask_all([["CONFIG", "GET", "append*"]])[0]
    if isinstance(settings, Exception):
        return "the server does not say how it keeps its data (CONFIG is not allowed)"
    known = {name: text(value) for name, value in pairs(settings).items()}
    if known.get("appendonly") != "yes":
        return "the server keeps no append-only file"
    if known.get("appendfsync") != "always":
        return f"the server syncs its file by {known.get('appendfsync')}, not always"
    lines = text(wire.ask("INFO", "replication")).splitlines()
    if "role:master" not in lines or "connected_slaves:0" not in lines:
        return "the server has replicas: a failover may lose a send that was answered"
    return ""


def _moments(reply: Raw) -> dict[str, datetime]:
    """A hash of unix milliseconds; a value that is no number is no sign."""
    found = {name: text(value) for name, value in pairs(reply).items()}
    return {
        name: datetime.fromtimestamp(int(value) / 1000, UTC)
        for name, value in found.items()
        if value.isascii() and value.isdigit() and len(value) < 15
    }
