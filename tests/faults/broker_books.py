"""What really lies on the shop's broker, read beside the console: the other side of the compare."""

import json
from collections import Counter
from typing import Any, cast

from redis import Redis

from cascade_client import fields
from shop.deploy import PARTITIONS

TOPICS = ("orders", "payments", "stock", "notifications", "analytics", "supplier")
FINAL = ("succeeded", "skipped", "dead_lettered")


class BrokerBooks:
    """Reads only."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(url, decode_responses=True)

    def events(self) -> Counter[tuple[str, str]]:
        """(source, ID) of every event on every topic, and how often it stands there."""
        found = (entry for stream in _streams() for entry in self._entries(stream))
        return Counter((e[fields.SOURCE], e[fields.ID]) for e in found if fields.ID in e)

    def malformed(self) -> set[tuple[str, str]]:
        """(stream, position) of every entry that is no event."""
        return {
            (stream, position)
            for stream in _streams()
            for position, entry in self._read(stream)
            if fields.ID not in entry
        }

    def receipts(self) -> list[dict[str, Any]]:
        """The data of every receipt that consumers wrote."""
        return [json.loads(entry[fields.DATA]) for entry in self._entries(fields.RECEIPTS)]

    def lying_dead(self) -> set[tuple[str, str]]:
        """(stream, position) of every entry on a dead-letter queue now."""
        queues = cast("list[str]", self._redis.keys("*.dlq"))
        return {(name, position) for name in queues for position, _ in self._read(name)}

    def attempts(self) -> Counter[str]:
        """Replay attempts stamped on entries of topics, and how often each was put there."""
        found = (entry for stream in _streams() for entry in self._entries(stream))
        return Counter(entry[fields.ATTEMPT] for entry in found if fields.ATTEMPT in entry)

    def _entries(self, stream: str) -> list[dict[str, str]]:
        return [entry for _, entry in self._read(stream)]

    def _read(self, stream: str) -> list[tuple[str, dict[str, str]]]:
        return cast("list[tuple[str, dict[str, str]]]", self._redis.xrange(stream))


def _streams() -> list[str]:
    return [fields.stream_name(topic, n) for topic in TOPICS for n in range(PARTITIONS)]
