"""The brokers of the configuration, connected; one object a broker and process."""

from functools import cache

from brokers.config import ConfigError, current
from brokers.redis_streams import RedisStreams


@cache
def connect(name: str) -> RedisStreams:
    """The broker of this name. Raises ConfigError when there is none."""
    for broker in current().brokers:
        if broker.name == name:
            return RedisStreams(broker)
    raise ConfigError(f"there is no broker {name!r} in the configuration")


def connect_all() -> list[RedisStreams]:
    """Every configured broker, in the order of the configuration. Raises ConfigError."""
    return [connect(broker.name) for broker in current().brokers]
