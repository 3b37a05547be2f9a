"""The words of the search field over dead letters: `/total>100 header:tenant=app no stock`. Pure.

Words and "phrases" are looked for in error, order, event ID and type; `field:value` contains,
`field=value` is, `field!=value` is not, and `<`, `<=`, `>`, `>=` compare numbers and ages. A field
is one of FIELDS, `age`, `header:NAME`, or a JSON pointer (RFC 6901) into the payload. All terms
must hold.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from kit.redaction import is_secret

MOST_TERMS = 20
LONGEST = 200  # characters of a value
DEEPEST = 16  # steps of a pointer
# what a term may name: its column, and whether it is a number
FIELDS: Mapping[str, tuple[str, bool]] = {
    "error": ("error_type", False),
    "message": ("error_message", False),
    "reason": ("reason", False),
    "type": ("type", False),
    "consumer": ("consumer", False),
    "key": ("label", False),
    "event": ("event_id", False),
    "flow": ("flow_id", False),
    "stream": ("stream", False),
    "release": ("release", False),
    "dialect": ("dialect", False),
    "tries": ("attempts", True),
    "deaths": ("deaths", True),
    "amount": ("amount", True),
    "group": ("group_id", True),
}
AGE = "age"  # since it died last
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

_TERM = re.compile(
    r'(?P<name>/[^\s"=<>:!]+|header:[^\s"=<>!:]+|[a-z]+)(?P<compared>!=|<=|>=|=|<|>|:)(?P<value>"[^"]*"|[^\s"]*)'
    r'|"(?P<phrase>[^"]*)"|(?P<word>\S+)'
)
_SPAN = re.compile(r"(\d{1,6}(?:\.\d+)?)([smhd])")


class Compared(StrEnum):
    """How a field is compared with a value."""

    CONTAINS = ":"
    IS = "="
    IS_NOT = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="


ORDERED = (Compared.LESS, Compared.AT_MOST, Compared.MORE, Compared.AT_LEAST)


class Kind(StrEnum):
    """Where a term looks."""

    WORDS = "words"
    COLUMN = "column"
    AGE = "age"
    HEADER = "header"
    PAYLOAD = "payload"


@dataclass(frozen=True, slots=True)
class Term:
    """One condition. `number` is there where the value is one (of an age: seconds)."""

    kind: Kind
    name: str  # a column, a header's name, or ""
    compared: Compared
    value: str
    number: Decimal | None = None
    path: tuple[str, ...] = ()  # of a payload


class SearchError(ValueError):
    """The words cannot be understood; the text says what can."""


def terms(text: str) -> list[Term]:
    """The conditions of a search field. Raises SearchError."""
    found = [_term(match) for match in _TERM.finditer(text)]
    if len(found) > MOST_TERMS:
        raise SearchError(f"more than {MOST_TERMS} terms; narrow it by fewer")
    return found


def _term(match: "re.Match[str]") -> Term:
    loose = match["phrase"] if match["phrase"] is not None else match["word"]
    if loose is not None:
        return Term(Kind.WORDS, "", Compared.CONTAINS, loose[:LONGEST])
    name, compared = match["name"], Compared(match["compared"])
    value = match["value"].strip('"')[:LONGEST]
    if not value and compared in ORDERED:
        raise SearchError(f"{name}{compared} needs a value")
    if name.startswith("/"):
        return _of_payload(name, compared, value)
    if name.startswith("header:"):
        return _of_header(name.removeprefix("header:"), compared, value)
    if name == AGE:
        return Term(Kind.AGE, "died_at", _ordered(name, compared), value, _seconds(value))
    if name not in FIELDS:
        known = ", ".join([*FIELDS, AGE, "header:NAME", "/json/path"])
        raise SearchError(
            f'there is no field {name}; there are {known}. Quote it to look for "{name}"'
        )
    column, is_number = FIELDS[name]
    number = _number(value)
    if is_number and number is None:
        raise SearchError(f"{name} is compared with a number, not with {value or 'nothing'}")
    if not is_number:
        _unordered(name, compared)
    return Term(Kind.COLUMN, column, compared, value, number if is_number else None)


def _of_payload(pointer: str, compared: Compared, value: str) -> Term:
    steps = pointer.removeprefix("/").split("/")
    if len(steps) > DEEPEST:
        raise SearchError(f"a pointer has at most {DEEPEST} steps")
    path = tuple(step.replace("~1", "/").replace("~0", "~") for step in steps)
    _open(pointer, *path)
    number = _number(value)
    if compared in ORDERED and number is None:
        raise SearchError(f"{pointer}{compared} is compared with a number, not with {value}")
    return Term(Kind.PAYLOAD, "", compared, value, number, path)


def _of_header(name: str, compared: Compared, value: str) -> Term:
    _open(f"header:{name}", name)
    _unordered(f"header:{name}", compared)
    return Term(Kind.HEADER, name, compared, value)


def _open(shown: str, *names: str) -> None:
    """Nobody finds out by searching what no page shows."""
    if any(is_secret(name) for name in (*names, "_".join(names))):
        raise SearchError(f"{shown} is masked: it cannot be searched")


def _ordered(name: str, compared: Compared) -> Compared:
    if compared not in ORDERED:
        raise SearchError(f"{name} is compared by < or >, for example {name}>2h")
    return compared


def _unordered(name: str, compared: Compared) -> None:
    if compared in ORDERED:
        raise SearchError(f"{name} is compared by : (contains), = or !=")


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < Decimal(10) ** 15 else None


def _seconds(text: str) -> Decimal:
    match = _SPAN.fullmatch(text)
    if match is None:
        raise SearchError("an age is a number with s, m, h or d, for example age>2h")
    return Decimal(match[1]) * UNITS[match[2]]


def span(term: Term) -> timedelta:
    """The length of time an age is compared with."""
    return timedelta(seconds=float(term.number or 0))
