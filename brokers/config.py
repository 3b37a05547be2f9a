"""What to observe and how to read it: console.toml, or one address with discovery.

Parsed strictly: a wrong value raises ConfigError naming the key and a hint. Nothing here knows
Django; whoever starts the process says where the configuration is (`use`).
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from brokers import retention, start
from brokers.retention import Retention

PARTITIONS = r"^(?P<topic>.+)\.(?P<partition>\d+)$"
DEAD_LETTERS = (r"^(?P<topic>.+)\.(?P<consumer>[^.]+)\.dlq$",)
RECEIPTS = ("cascade.receipts",)
NOT_BROKERS = ("http", "otlp")  # where an event came in without one stands in a broker's place
# What a mapping can tell of a message, besides its keys; the order of forms and tables.
PLACES = (
    *("id", "source", "type", "time", "correlation", "causation"),
    *("partition_key", "subject", "body"),
)
TAP_GROUP = "console-tap"  # the consumer group the console itself makes, where tap is on

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Pointer = Annotated[str, msgspec.Meta(pattern=r"^/.+")]
Kind = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
# Where a mapping takes a value from: a pointer into the body, a field or header, a literal.
Place = Annotated[str, msgspec.Meta(pattern=r"^(/|header:|=)(?s:.+)", max_length=255)]
Currency = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}$")]


class ConfigError(Exception):
    """The configuration is wrong; the text names the key and a hint, and is safe to show."""


class BrokerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One broker to observe. Nothing is written to it unless `tap` or `replay` says so.

    Its events are read in any case: with `tap` in a consumer group of ours, from the first entry
    of every stream on; else from cursors of our own, from `start` on.
    """

    name: Name
    url: str
    tap: bool = False
    replay: bool = False
    start: str = ""  # as brokers.start.parse takes it; filled in where it matters
    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    partitions: str = PARTITIONS
    dead_letters: tuple[str, ...] = DEAD_LETTERS
    receipts: tuple[str, ...] = RECEIPTS
    hidden: bool = False  # it is the console's own task transport: nothing of it is shown


class MappingConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the messages of some streams, which are no CloudEvents, say what they are."""

    stream: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]  # a glob
    broker: Name | None = None  # any, when it is not said
    id: Place | None = None
    source: Place | None = None
    type: Place | None = None
    time: Place | None = None
    correlation: Place | None = None
    causation: Place | None = None
    partition_key: Place | None = None
    subject: Place | None = None
    body: Place | None = None
    keys: dict[Kind, Place] = {}

    def places(self) -> dict[str, str]:
        """What is mapped, but for the keys: field -> place."""
        found = {name: getattr(self, name) for name in PLACES}
        return {name: place for name, place in found.items() if place}


class ConsumerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of one consumer beyond what the broker tells."""

    retry_stream: str | None = None
    honours_mark: bool | None = None


class Flows(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a flow is complete, and when it is quiet."""

    terminal: tuple[str, ...] = ()
    quiet_after_s: Annotated[int, msgspec.Meta(ge=1)] = 300


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where an event's body bears its amount; JSON pointers."""

    amount: Pointer | None = None
    currency: Pointer | None = None
    default_currency: Currency | None = None


class KeyConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where events bear a kind of business key; `hash`: only a keyed hash of it is kept."""

    pointer: Pointer
    hash: bool = False


Keys = Mapping[str, str | KeyConfig]  # a kind of business key -> where; a text is the pointer alone


def pointer_of(key: str | KeyConfig) -> tuple[str, bool]:
    """The JSON pointer of a kind of key, and whether only a hash of it is kept."""
    return (key, False) if isinstance(key, str) else (key.pointer, key.hash)


class Search(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What can be searched. `payloads`: the words of bodies, masked, in an index of their own."""

    payloads: bool = True


class Replays(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The poison breaker: beyond these, letters are quarantined until released by a person."""

    most_of_letter: Annotated[int, msgspec.Meta(ge=1)] = 3  # replays it was sent in
    most_of_group: Annotated[int, msgspec.Meta(ge=1)] = 5  # replays it failed in within a day


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole configuration. `keys` maps a kind of business key to where events bear it."""

    brokers: tuple[BrokerConfig, ...] = ()
    consumers: dict[str, ConsumerConfig] = {}
    flows: Flows = Flows()
    replays: Replays = Replays()
    keys: Mapping[Kind, Pointer | KeyConfig] = {}
    value: Value = Value()
    retention: Retention = Retention()
    search: Search = Search()
    mappings: tuple[MappingConfig, ...] = ()  # the first that fits a stream is the one

    def consumer(self, name: str) -> ConsumerConfig:
        """What is configured of this consumer; defaults when nothing is."""
        return self.consumers.get(name, ConsumerConfig())


def load(
    path: Path | str | None,
    broker_url: str | None,
    environ: Mapping[str, str],
    transport_url: str | None = None,
) -> Config:
    """The file at `path`, else one broker at `broker_url` to observe only, else no broker.

    `environ` answers `url = "env:NAME"`; a broker that is the database of `transport_url` is
    hidden. Raises ConfigError.
    """
    if path:
        config, source = _read(Path(path)), Path(path).name
    elif broker_url:
        config, source = Config(brokers=(BrokerConfig(name="default", url=broker_url),)), "BROKER"
    else:
        return Config()
    return _checked(config, source, environ, transport_url)


def _read(path: Path) -> Config:
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Config)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}); set CONSOLE_CONFIG") from None
    except msgspec.ValidationError as error:
        text, _, place = str(error).partition(" - at ")
        where = place.strip("`").removeprefix("$").strip(".") or "top level"
        hint = "shop/console.toml is a whole example"
        raise ConfigError(f"{path.name}: {where}: {text}; {hint}") from None
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path.name} is not valid TOML: {error}") from None


def _checked(
    config: Config, source: str, environ: Mapping[str, str], transport_url: str | None
) -> Config:
    names = [broker.name for broker in config.brokers]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise ConfigError(f"{source}: brokers[{index}].name: {name!r} is there twice")
        if name in NOT_BROKERS:
            raise ConfigError(f"{source}: brokers[{index}].name: {name!r} is taken; use another")
    for key, wrong in retention.problems(config.retention):
        raise ConfigError(f"{source}: retention.{key}: {wrong}")
    for index, mapping in enumerate(config.mappings):
        check_mapping(mapping, names, f"{source}: mappings[{index}]")
    brokers = tuple(
        _broker(broker, f"{source}: brokers[{index}]", environ, transport_url)
        for index, broker in enumerate(config.brokers)
    )
    return msgspec.structs.replace(config, brokers=brokers)


def check_mapping(mapping: MappingConfig, brokers: Sequence[str], where: str) -> None:
    """Raises ConfigError when it maps nothing, or names a broker that is not there."""
    if mapping.broker is not None and mapping.broker not in brokers:
        raise ConfigError(f"{where}.broker: there is no broker {mapping.broker!r}")
    if not mapping.places() and not mapping.keys:
        raise ConfigError(f"{where}: maps nothing; give at least one of {', '.join(PLACES)}, keys")


def _broker(
    broker: BrokerConfig, where: str, environ: Mapping[str, str], transport_url: str | None
) -> BrokerConfig:
    _pattern(broker.partitions, ("topic", "partition"), f"{where}.partitions")
    for index, pattern in enumerate(broker.dead_letters):
        _pattern(pattern, ("consumer",), f"{where}.dead_letters[{index}]")
    url = _url(broker.url, f"{where}.url", environ)
    hidden = transport_url is not None and database(url) == database(transport_url)
    begin = _start(broker, f"{where}.start")
    return msgspec.structs.replace(broker, url=url, hidden=hidden, start=begin)


def _start(broker: BrokerConfig, where: str) -> str:
    if broker.tap and broker.start:
        raise ConfigError(f"{where}: with tap = true every stream is read from its first entry on")
    try:
        start.parse(broker.start or start.NEWEST)
    except ValueError as error:
        raise ConfigError(f"{where}: {error}") from None
    return "" if broker.tap else broker.start or start.NEWEST


def _pattern(pattern: str, names: Sequence[str], where: str) -> None:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ConfigError(f"{where}: not a regular expression ({error})") from None
    for name in names:
        if name not in compiled.groupindex:
            raise ConfigError(f"{where}: has no named part (?P<{name}>…)")


def _url(value: str, where: str, environ: Mapping[str, str]) -> str:
    url = value
    if value.startswith("env:"):
        name = value.removeprefix("env:")
        url = environ.get(name, "")
        if not url:
            raise ConfigError(f"{where}: {name} is not set in the environment")
    if not re.match(r"^(rediss?|unix)://.+", url):
        raise ConfigError(f"{where}: not an address; for example redis://127.0.0.1:6379/0")
    return url


def database(url: str) -> tuple[str, int, str]:
    """Host, port and database of a Redis address, to tell whether two are the same."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return (parts.path, 0, parts.query)
    host = "127.0.0.1" if parts.hostname in (None, "localhost") else parts.hostname
    return (str(host), parts.port or 6379, parts.path.strip("/") or "0")


Loader = Callable[[], Config]
_loaders: list[Loader] = []


def use(loader: Loader) -> None:
    """Say where `current` gets its configuration; called once when the process starts."""
    _loaders[:] = [loader]
    current.cache_clear()


@cache
def current() -> Config:
    """The configuration of this process, loaded once. Raises ConfigError."""
    if _loaders:
        return _loaders[0]()
    return load(os.environ.get("CONSOLE_CONFIG"), os.environ.get("BROKER"), os.environ)
