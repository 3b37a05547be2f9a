"""Redis replies as they came over the wire, with types: no parsing by key name, no dicts.

redis-py turns stream fields into a dict (order and repeats are lost) and replies differently by
protocol version; so callbacks are off, RESP 2 is spoken, and the shapes are given here.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import redis

from brokers.contract import BrokerError

Raw = Any  # bytes | int | None | list[Raw] | redis.ResponseError, nested as the server sent it
_TIMEOUT_S = 10.0
_EPOCH_MS = 1_000_000_000_000  # 2001: positions below were not made by a server's clock
_AHEAD_MS = 60_000
START_OF_STREAM = "0-0"  # before every entry
_LAST = 2**64 - 1  # the largest number after the dash
MAX_BLOCK_MS = 5_000  # below the socket's timeout


class RawEntry(NamedTuple):
    """One stream entry; fields None: the entry is gone, only its position is left."""

    position: str
    fields: list[bytes] | None


class Pending(NamedTuple):
    """One line of a pending list."""

    position: str
    process: str
    idle_ms: int
    tries: int


class Wire:
    """One server, raw. Every failure is a BrokerError whose text holds no address or secret."""

    def __init__(self, url: str) -> None:
        self.client: redis.Redis = redis.Redis.from_url(
            url,
            protocol=2,
            socket_timeout=_TIMEOUT_S,
            socket_connect_timeout=3.0,
            driver_info=None,  # else the client tells the server of itself
        )
        self._raw: Any = redis.Redis(connection_pool=self.client.connection_pool)
        self._raw.response_callbacks.clear()

    def ask(self, *command: str | bytes | int) -> Raw:
        """One command's reply. Raises BrokerError, also for an error reply."""
        with failures():
            return self._raw.execute_command(*command)

    def ask_all(
        self, commands: Sequence[Sequence[str | bytes | int]], *, atomic: bool = False
    ) -> list[Raw]:
        """The replies in order, in one round trip; an error reply stands as ResponseError."""
        if not commands:
            return []
        with failures(), self._raw.pipeline(transaction=atomic) as pipe:
            for command in commands:
                pipe.execute_command(*command)
            replies: list[Raw] = pipe.execute(raise_on_error=False)
            return replies

    def close(self) -> None:
        """Give the connections back."""
        self.client.connection_pool.disconnect()


@contextmanager
def failures() -> Iterator[None]:
    """Turn the library's errors into BrokerError."""
    try:
        yield
    except redis.AuthenticationError:
        raise BrokerError("Redis refused the user or password") from None
    except redis.TimeoutError:
        raise BrokerError("Redis did not answer in time") from None
    except redis.ConnectionError:
        raise BrokerError("Redis cannot be reached") from None
    except redis.ResponseError as error:
        raise BrokerError(f"Redis refused: {str(error)[:200]}") from error
    except redis.RedisError as error:
        raise BrokerError(f"Redis failed: {type(error).__name__}") from error


def text(value: Raw) -> str:
    """Bytes as text; bytes that are no UTF-8 stay visible as \\xNN."""
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def pairs(reply: Raw) -> dict[str, Raw]:
    """`[name, value, name, value]` as a dict."""
    return {text(reply[i]): reply[i + 1] for i in range(0, len(reply), 2)}


def entries(reply: Raw) -> list[RawEntry]:
    """The entries of an XRANGE, XCLAIM or one stream of an XREADGROUP."""
    return [RawEntry(text(item[0]), item[1]) for item in reply or () if item]


def pending(reply: Raw) -> list[Pending]:
    """The lines of an extended XPENDING."""
    return [Pending(text(p[0]), text(p[1]), int(p[2]), int(p[3])) for p in reply or ()]


def order(position: str) -> tuple[int, int]:
    """A position as something that sorts."""
    head, _, tail = position.partition("-")
    return (int(head or 0), int(tail or 0))


def position_before(position: str) -> str:
    """The last position that can be before this one."""
    ms, number = order(position)
    return f"{ms}-{number - 1}" if number else before_ms(ms)


def position_after(position: str) -> str:
    """The first position that can be after this one."""
    ms, number = order(position)
    return f"{ms}-{number + 1}" if number < _LAST else f"{ms + 1}-0"


def before_ms(ms: int) -> str:
    """The last position before those of this millisecond."""
    return f"{ms - 1}-{_LAST}" if ms > 0 else START_OF_STREAM


def milliseconds(position: str) -> int:
    """The part of a position that is a time, if the server made it."""
    return int(position.partition("-")[0] or 0)


def server_ms(wire: Wire) -> int:
    """The server's clock, Unix milliseconds."""
    seconds, micros = wire.ask("TIME")
    return int(seconds) * 1000 + int(micros) // 1000


def time_of(position: str, now_ms: int) -> datetime | None:
    """When the server made this position, or None when it cannot have ("" is no position)."""
    made = milliseconds(position)
    if not _EPOCH_MS <= made <= now_ms + _AHEAD_MS:
        return None
    return _moment(made)


@lru_cache(maxsize=256)
def _moment(milliseconds: int) -> datetime:
    """One for all entries of a millisecond: busy streams have many."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def age_s(position: str, now_ms: int) -> float | None:
    """Seconds since the server made this position, or None when it cannot have."""
    if time_of(position, now_ms) is None:
        return None
    return max(0.0, (now_ms - milliseconds(position)) / 1000)
