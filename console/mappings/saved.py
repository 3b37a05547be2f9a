"""Mappings in force: those of console.toml first, then the saved ones, the closest first."""

from dataclasses import dataclass

import msgspec

from brokers import config as configuration
from brokers.config import PLACES, ConfigError, MappingConfig
from console.models import StreamMapping
from kit import audit, clock
from kit.models import User
from kit.writes import writing
from tracing.envelope import Rules
from tracing.envelope.rules import fits

SAVED_MAX = 500  # saved mappings; one more is refused with the number


class Refused(ValueError):
    """The mapping cannot be saved; the text says why, and is safe to show."""


@dataclass(frozen=True, slots=True)
class Effective:
    """The mapping that a stream is read by; `row` is None when console.toml says it."""

    mapping: MappingConfig
    row: StreamMapping | None


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


def effective(broker: str, stream: str) -> Effective | None:
    """What this stream is read by, if anything but what the messages say themselves."""
    for mapping in configuration.current().mappings:
        if fits(mapping, broker, stream):
            return Effective(mapping, None)
    for row in saved():
        mapping = as_mapping(row)
        if fits(mapping, broker, stream):
            return Effective(mapping, row)
    return None


def save(mapping: MappingConfig, *, actor: str, user: User | None) -> StreamMapping:
    """Keep a mapping of one broker, in the place of one for the same streams. Raises Refused."""
    broker = mapping.broker or ""
    try:
        names = [one.name for one in configuration.current().brokers]
        configuration.check_mapping(mapping, names, "the mapping")
    except ConfigError as error:
        raise Refused(str(error)) from error
    said = {"places": mapping.places(), "keys": dict(mapping.keys)}
    with writing():
        before = StreamMapping.objects.filter(broker=broker, stream=mapping.stream).first()
        if before is None and StreamMapping.objects.count() >= SAVED_MAX:
            raise Refused(f"there are {SAVED_MAX} saved mappings; delete one, or use a pattern")
        row, _ = StreamMapping.objects.update_or_create(
            broker=broker,
            stream=mapping.stream,
            defaults={**said, "saved_by": actor[:150], "saved_at": clock.now()},
        )
        _note("mapping saved", row, actor, user, _changed(before, row))
    return row


def delete(row: StreamMapping, *, actor: str, user: User | None) -> None:
    """Take a saved mapping away; what was taken in by it stays as it is."""
    with writing():
        _note("mapping deleted", row, actor, user, {"before": {**row.places, "keys": row.keys}})
        row.delete()


def toml(mapping: MappingConfig) -> str:
    """The mapping as console.toml would have it."""
    said = {"broker": mapping.broker, "stream": mapping.stream, **mapping.places()}
    lines = [f"{name} = {_quoted(value)}" for name, value in said.items() if value]
    keys = ", ".join(f"{_quoted(kind)} = {_quoted(at)}" for kind, at in mapping.keys.items())
    return "\n".join(["[[mappings]]", *lines, *([f"keys = {{ {keys} }}"] if keys else [])])


def _quoted(text: str) -> str:
    """A basic string of TOML: JSON's escapes are among its own."""
    return msgspec.json.encode(text).decode()


def _is_pattern(stream: str) -> bool:
    return any(sign in stream for sign in "*?[")


def _changed(before: StreamMapping | None, row: StreamMapping) -> dict[str, object]:
    """Which fields changed, from where to where: places are no values of messages."""
    old = {**before.places, "keys": before.keys} if before else {}
    new = {**row.places, "keys": row.keys}
    names = [name for name in (*PLACES, "keys") if old.get(name) != new.get(name)]
    return {name: [old.get(name), new.get(name)] for name in names}


def _note(
    action: str, row: StreamMapping, actor: str, user: User | None, changes: dict[str, object]
) -> None:
    audit.record(
        actor=actor,
        user=user,
        action=action,
        target_kind="mapping",
        target_id=row.pk,
        summary=f"mapping of {row.broker}/{row.stream}",
        changes=changes,
    )
