"""A mapping proposed from samples of one stream: by what members are called, and what is in them.

Pure. A proposal is a place and the reason for it; a person looks at it before it is used.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from brokers.config import MappingConfig
from kit.redaction import is_secret
from tracing.envelope.foreign import parsed
from tracing.envelope.model import Envelope
from tracing.envelope.times import moment

SAMPLES = 50  # messages looked at
DEPTH = 4  # of members
PLACES = 200  # of a sample; the rest is not looked at
KEYS = 6  # proposed
FEW = 12  # different values of a type or a source, at most
LONGEST = 120  # characters of what may be a name or an ID

NAMES: Mapping[str, tuple[str, ...]] = {
    "id": ("eventid", "messageid", "msgid", "id", "uuid", "uid", "guid"),
    "correlation": (
        *("correlationid", "correlation", "corrid", "conversationid", "sagaid", "flowid"),
        *("workflowid", "rootid", "requestid", "transactionid", "traceid"),
    ),
    "causation": (
        *("causationid", "causationids", "causation", "causedby", "cause", "causes", "causeid"),
        *("parentid", "parenteventid", "parentmessageid", "triggeredby", "inreplyto"),
    ),
    "type": ("eventtype", "messagetype", "type", "eventname", "event", "kind", "action", "name"),
    "source": ("source", "producer", "service", "publisher", "origin", "sender", "app"),
    "time": (
        *("time", "timestamp", "occurredat", "eventtime", "ts", "emittedat", "publishedat"),
        *("sentat", "createdat", "at", "date", "datetime"),
    ),
    "partition_key": ("partitionkey", "shardkey", "routingkey"),
    "subject": ("subject",),
}
_KEY = re.compile(r"(?P<kind>.+?)[_-]?(?:id|no|nr|number|ref|code)", re.IGNORECASE)
_WORD = re.compile(r"[^A-Za-z0-9]+")
_IDENTIFIER = re.compile(r"(?=.*\d)[A-Za-z0-9][A-Za-z0-9_.:-]{7,}")


class Proposal(msgspec.Struct, frozen=True):
    """Where a field may be found, and why we think so."""

    place: str
    why: str


class Suggestion(msgspec.Struct, frozen=True):
    """What is proposed for a stream; `fields` by the names of brokers.config.PLACES."""

    samples: int
    fields: dict[str, Proposal] = {}
    keys: dict[str, Proposal] = {}

    def mapping(self, broker: str, stream: str) -> MappingConfig:
        """The proposal as a mapping; it may map nothing."""
        places = {name: one.place for name, one in self.fields.items()}
        keys = {kind: one.place for kind, one in self.keys.items()}
        said = {"broker": broker, "stream": stream, "keys": keys, **places}
        return msgspec.convert(said, MappingConfig)


class _Column:
    """One place in all samples: its values, one list a message."""

    def __init__(self, place: str, name: str, parent: str) -> None:
        self.place = place
        self.name = _plain(name)
        self.spelt = name
        self.parent = parent
        self.rows: list[list[Any]] = []

    @property
    def values(self) -> list[str]:
        """All values as text."""
        return [str(value) for row in self.rows for value in row]

    @property
    def single(self) -> bool:
        """One value in each message that has any."""
        return all(len(row) == 1 for row in self.rows)


def suggest(events: Sequence[Envelope]) -> Suggestion:
    """A proposal for messages of one stream, at most SAMPLES of them, read without a mapping."""
    samples = events[:SAMPLES]
    columns = _columns(samples)
    found: dict[str, Proposal] = {}
    taken: set[str] = set()
    choose: dict[str, Callable[[], tuple[_Column, str] | None]] = {
        "id": lambda: _id(columns, len(samples)),
        "causation": lambda: _causation(columns, found.get("id")),
        "correlation": lambda: _correlation(columns, taken),
        "type": lambda: _few(columns, "type", len(samples)),
        "source": lambda: _few(columns, "source", len(samples)),
        "time": lambda: _time(columns, len(samples)),
        "partition_key": lambda: _named(columns, "partition_key", lambda one: one.single),
        "subject": lambda: _named(columns, "subject", lambda one: one.single),
    }
    for field, chosen in choose.items():
        if (one := chosen()) is not None:
            found[field] = Proposal(one[0].place, one[1])
            taken.add(one[0].place)
    return Suggestion(len(samples), found, _keys(columns, taken))


def _id(columns: Sequence[_Column], samples: int) -> tuple[_Column, str] | None:
    """In every message, another one each time: by its name, else the first that looks like one."""

    def unique(one: _Column) -> bool:
        return len(one.rows) == samples and one.single and len(set(one.values)) == samples

    if (named := _named(columns, "id", unique)) is not None:
        return named[0], f"called {named[0].spelt}, another value in each message"
    shaped = (one for one in columns if unique(one) and all(map(_is_identifier, one.values)))
    first = next((one for one in shaped if not _is_time(one)), None)
    return (first, "in each message, another value each time") if first else None


def _causation(columns: Sequence[_Column], own: Proposal | None) -> tuple[_Column, str] | None:
    """What holds the IDs of other messages, else what is called so."""
    ids = {value for one in columns if own and one.place == own.place for value in one.values}
    for one in columns:
        if own and one.place != own.place and _shares(one.values, ids):
            return one, "holds IDs of other messages"
    return _named(columns, "causation", lambda one: all(len(v) <= LONGEST for v in one.values))


def _shares(values: Sequence[str], ids: set[str]) -> bool:
    known = sum(value in ids for value in values)
    return known >= 2 and known * 2 >= len(values)


def _correlation(columns: Sequence[_Column], taken: set[str]) -> tuple[_Column, str] | None:
    """By its name, else IDs that several messages share and not all of them."""
    free = [one for one in columns if one.place not in taken and one.single]
    if (named := _named(free, "correlation", lambda one: True)) is not None:
        return named
    for one in free:
        counts = Counter(one.values)
        shared = len(counts) > 1 and max(counts.values()) > 1
        if shared and all(map(_is_identifier, one.values)) and not _is_time(one):
            return one, "IDs that several messages share"
    return None


def _few(columns: Sequence[_Column], field: str, samples: int) -> tuple[_Column, str] | None:
    """In every message, a text, and not many different ones."""

    def fits(one: _Column) -> bool:
        texts = all(isinstance(value, str) for row in one.rows for value in row)
        kinds = set(one.values)
        small = len(kinds) <= FEW and all(len(value) <= LONGEST for value in kinds)
        return len(one.rows) == samples and one.single and texts and small and not _is_time(one)

    chosen = _named(columns, field, fits)
    if chosen is None:
        return None
    different = len(set(chosen[0].values))
    count = "one value" if different == 1 else f"{different} different values"
    return chosen[0], f"called {chosen[0].spelt}, {count}"


def _time(columns: Sequence[_Column], samples: int) -> tuple[_Column, str] | None:
    named = _named(columns, "time", lambda one: one.single and _is_time(one))
    if named is not None:
        return named
    for one in columns:
        written = all(not value.isdigit() for value in one.values)
        if len(one.rows) == samples and one.single and written and _is_time(one):
            return one, "a time in each message"
    return None


def _keys(columns: Sequence[_Column], taken: set[str]) -> dict[str, Proposal]:
    """Members called like `order_id`, `orderNumber`, or `order` with an `id` in it."""
    found: dict[str, Proposal] = {}
    for one in columns:
        match = _KEY.fullmatch(one.spelt)
        kind = _WORD.sub("_", match["kind"] if match else "").strip("_").lower()
        if not match and one.name in ("id", "no", "number", "ref", "code"):
            kind = _WORD.sub("_", one.parent).strip("_").lower()
        usable = kind and one.place not in taken and not is_secret(one.spelt) and len(kind) <= 64
        if usable and kind not in found and all(len(value) <= LONGEST for value in one.values):
            found[kind] = Proposal(one.place, f"called {one.spelt}")
        if len(found) == KEYS:
            break
    return found


def _named(
    columns: Sequence[_Column], field: str, fits: Callable[[_Column], bool]
) -> tuple[_Column, str] | None:
    """The column with the likeliest name that fits; of several of one name the outermost."""
    for name in NAMES[field]:
        for one in columns:
            if one.name == name and fits(one):
                return one, f"called {one.spelt}"
    return None


def _columns(samples: Sequence[Envelope]) -> list[_Column]:
    """Every place with a text or number in any sample; the outermost first."""
    found: dict[str, _Column] = {}
    for event in samples:
        document = parsed(event.data)
        for place, name, parent, values in (*_leaves(document), *_headers(event, document)):
            if place not in found and len(found) < PLACES:
                found[place] = _Column(place, name, parent)
            if place in found:
                found[place].rows.append(values)
    return sorted(found.values(), key=lambda one: one.place.count("/"))


def _leaves(
    value: Any, place: str = "", parent: str = ""
) -> Iterator[tuple[str, str, str, list[Any]]]:
    if not isinstance(value, dict) or place.count("/") >= DEPTH:
        return
    for name, inner in value.items():
        at = f"{place}/{name.replace('~', '~0').replace('/', '~1')}"
        several = inner if isinstance(inner, list) else [inner]
        texts = [one for one in several if _is_scalar(one)]
        if texts and len(texts) == len(several):
            yield at, name, parent, texts
        else:
            yield from _leaves(inner, at, name)


def _headers(event: Envelope, document: Any) -> Iterator[tuple[str, str, str, list[Any]]]:
    """Fields beside the body, unless they are the body."""
    if isinstance(document, dict) and document.keys() >= event.headers.keys():
        return
    for name, value in event.headers.items():
        yield f"header:{name}", name, "", [value]


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool) and value != ""


def _is_identifier(value: str) -> bool:
    return len(value) <= LONGEST and _IDENTIFIER.fullmatch(value) is not None


def _is_time(one: _Column) -> bool:
    try:
        return all(moment(value) for row in one.rows for value in row)
    except (ValueError, OverflowError):
        return False


def _plain(name: str) -> str:
    return _WORD.sub("", name).lower()
