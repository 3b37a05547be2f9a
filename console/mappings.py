"""Mappings in force: those of console.toml first, then the saved ones, the closest first."""

import msgspec

from brokers import config as configuration
from brokers.config import MappingConfig
from console.models import StreamMapping
from tracing.envelope import Rules

SAVED_MAX = 500  # saved mappings; one more is refused with the number


def rules() -> Rules:
    """The rules of this moment. Raises ConfigError, DatabaseError."""
    config = configuration.current()
    return Rules(config.keys, (*config.mappings, *(as_mapping(row) for row in saved())))


def saved() -> list[StreamMapping]:
    """The saved ones in the order in which they are tried: a name before a pattern, long first."""
    rows = StreamMapping.objects.all()[:SAVED_MAX]
    return sorted(rows, key=lambda row: (_is_pattern(row.stream), -len(row.stream), row.stream))


def as_mapping(row: StreamMapping) -> MappingConfig:
    """A row as the configuration would say it."""
    said = {"broker": row.broker, "stream": row.stream, "keys": row.keys, **row.places}
    return msgspec.convert(said, MappingConfig)


def _is_pattern(stream: str) -> bool:
    return any(sign in stream for sign in "*?[")
