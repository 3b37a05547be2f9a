"""Which streams there are and what each is for; bounded, and going on where it stopped."""

import re
import time
from fnmatch import fnmatchcase

from brokers.config import BrokerConfig
from brokers.contract import Role, Stream
from brokers.redis_wire import Wire, text

MAX_STREAMS = 5_000  # beyond: the rest is left out, and `note` says so
SCAN_KEYS = 1_000  # keys that one SCAN call looks at
SCANS_A_SECOND = 50  # on average; in one go at most SCANS_AT_ONCE, saved up while none is needed
SCANS_AT_ONCE = 100
REFRESH_S = 3.0  # between two passes over the keys, when a pass is short
REST = 9  # a long pass is followed by a rest of so many times its own length
REST_MAX_S = 600.0


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


def is_dead_letters(name: str, config: BrokerConfig) -> bool:
    """Whether the stream of this name is a dead-letter queue."""
    found = role_of(name, config)
    return found is not None and found.role is Role.DEAD_LETTERS


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
        self._calls = 0  # of the pass under way
        self._pace = Pace()
        self._next = 0.0
        self._rest_until = 0.0
        self.note = ""

    def streams(self, *, fresh: bool = False) -> list[Stream]:
        """All known streams, sorted by name; looks again when due, or when `fresh`.

        In a large keyspace that is no more often than its limits allow.
        """
        now = time.monotonic()
        due = (fresh or now >= self._next) and now >= self._rest_until
        if due and not self._config.hidden:
            self._refresh()
            self._next = time.monotonic() + REFRESH_S
        return [self._known[name] for name in sorted(self._known)]

    def _refresh(self) -> None:
        for _ in range(self._pace.allowed(time.monotonic())):
            reply = self._wire.ask("SCAN", self._cursor, "TYPE", "stream", "COUNT", SCAN_KEYS)
            self._cursor = text(reply[0])
            self._calls += 1
            self._pace.take()
            self._take([text(key) for key in reply[1]])
            if self._cursor == "0":
                self._end_pass()
                return
        # a very large keyspace: show what is found so far, keep what was known
        self._known = {**self._known, **self._found}
        self.note = "still looking through the keys of this database"

    def _end_pass(self) -> None:
        self._known, self._found = self._found, {}
        self.note = self._cap_note(len(self._known))
        if self._calls > SCANS_AT_ONCE:
            rest_s = min(REST_MAX_S, REST * self._calls / SCANS_A_SECOND)
            self._rest_until = time.monotonic() + rest_s
        self._calls = 0

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


class Pace:
    """How many SCAN calls may go now: SCANS_A_SECOND, saved up to SCANS_AT_ONCE."""

    def __init__(self) -> None:
        self._saved = float(SCANS_AT_ONCE)
        self._at = time.monotonic()

    def allowed(self, now: float) -> int:
        """The calls that may go at `now` (monotonic seconds)."""
        self._saved = min(SCANS_AT_ONCE, self._saved + (now - self._at) * SCANS_A_SECOND)
        self._at = now
        return int(self._saved)

    def take(self) -> None:
        """One call went."""
        self._saved -= 1


def partitions_of(streams: list[Stream], topic: str) -> list[Stream]:
    """The streams of one topic."""
    return [stream for stream in streams if stream.role is Role.TOPIC and stream.topic == topic]
