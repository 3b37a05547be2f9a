"""Which streams there are and what each is for; bounded, and going on where it stopped."""

import re
import time
from fnmatch import fnmatchcase

from brokers.config import BrokerConfig
from brokers.contract import Role, Stream
from brokers.redis_wire import Wire, text

MAX_STREAMS = 5_000  # beyond: the rest is left out, and `note` says so
SCANS_A_ROUND = 200  # SCAN calls of 1,000 keys in one refresh; the next goes on from there
REFRESH_S = 3.0


def role_of(name: str, config: BrokerConfig) -> Stream | None:
    """What the stream of this name is, or None when include and exclude leave it out."""
    if not any(fnmatchcase(name, pattern) for pattern in config.include):
        return None
    if any(fnmatchcase(name, pattern) for pattern in config.exclude):
        return None
    if name in config.receipts:
        return Stream(name=name, topic=name, role=Role.RECEIPTS)
    for pattern in config.dead_letters:
        if match := re.search(pattern, name):
            parts = match.groupdict()
            topic = parts.get("topic") or ""
            return Stream(name, topic, Role.DEAD_LETTERS, parts.get("consumer") or "")
    match = re.search(config.partitions, name)
    return Stream(name, match["topic"] if match else name, Role.TOPIC)


class Discovery:
    """The streams of one Redis database, looked for again every few seconds.

    `note` is empty, or says what was left out.
    """

    def __init__(self, wire: Wire, config: BrokerConfig) -> None:
        self._wire = wire
        self._config = config
        self._known: dict[str, Stream] = {}
        self._found: dict[str, Stream] = {}  # by the pass under way
        self._cursor = "0"
        self._next = 0.0
        self.note = ""

    def streams(self, *, fresh: bool = False) -> list[Stream]:
        """All known streams, sorted by name; looks again when due, or when `fresh`."""
        if not self._config.hidden and (fresh or time.monotonic() >= self._next):
            self._refresh()
            self._next = time.monotonic() + REFRESH_S
        return [self._known[name] for name in sorted(self._known)]

    def _refresh(self) -> None:
        for _ in range(SCANS_A_ROUND):
            reply = self._wire.ask("SCAN", self._cursor, "TYPE", "stream", "COUNT", 1000)
            self._cursor = text(reply[0])
            self._take([text(key) for key in reply[1]])
            if self._cursor == "0":
                self._known, self._found = self._found, {}
                self.note = self._cap_note(len(self._known))
                return
        # a very large keyspace: show what is found so far, keep what was known
        self._known = {**self._known, **self._found}
        self.note = "still looking through the keys of this database"

    def _take(self, names: list[str]) -> None:
        for name in names:
            stream = role_of(name, self._config)
            if stream and (len(self._found) < MAX_STREAMS or name in self._found):
                self._found[name] = stream

    @staticmethod
    def _cap_note(count: int) -> str:
        if count < MAX_STREAMS:
            return ""
        return f"only the first {MAX_STREAMS:,} streams are watched; narrow include or exclude"


def partitions_of(streams: list[Stream], topic: str) -> list[Stream]:
    """The streams of one topic."""
    return [stream for stream in streams if stream.role is Role.TOPIC and stream.topic == topic]
