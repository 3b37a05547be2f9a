"""The terms of a search as conditions on letters, on SQLite and PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from functools import reduce
from operator import and_, or_

from django.db import connection
from django.db.models import BooleanField, Q
from django.db.models.expressions import RawSQL
from django.db.models.fields.json import KeyTextTransform
from django.db.models.lookups import Exact, IContains

from dlq.search import Compared, Kind, Term, span

LOOKUPS = {
    Compared.CONTAINS: "icontains",
    Compared.IS: "exact",
    Compared.IS_NOT: "exact",
    Compared.LESS: "lt",
    Compared.AT_MOST: "lte",
    Compared.MORE: "gt",
    Compared.AT_LEAST: "gte",
}
# The older it is, the longer ago it died.
TURNED = {
    Compared.LESS: "gt",
    Compared.AT_MOST: "gte",
    Compared.MORE: "lt",
    Compared.AT_LEAST: "lte",
}
WORDS = ("label", "event_id", "error_type", "error_message", "type")

# What a pointer leads to, as text and as a number; only where the payload is JSON that the
# database reads too (`has_json`), since a cast that fails would fail the whole query.
_JSON = "CAST(dlq_letter.payload AS TEXT)"
_FOUND = f"json_extract({_JSON}, %s)"
_SQLITE_TEXT = (
    f"CASE json_type({_JSON}, %s) WHEN 'true' THEN 'true' WHEN 'false' THEN 'false'"
    f" ELSE CAST({_FOUND} AS TEXT) END"
)
_SQLITE_NUMBER = (
    f"CASE WHEN typeof({_FOUND}) IN ('integer', 'real') OR ({_FOUND} GLOB '*[0-9]*'"
    f" AND {_FOUND} NOT GLOB '*[^0-9.-]*' AND {_FOUND} NOT GLOB '?*-*')"
    f" THEN CAST({_FOUND} AS REAL) END"
)
_POSTGRES_TEXT = "convert_from(dlq_letter.payload, 'UTF8')::jsonb #>> %s::text[]"
_POSTGRES_NUMBER = (
    f"CASE WHEN ({_POSTGRES_TEXT}) ~ '^-?[0-9]+([.][0-9]+)?$' THEN ({_POSTGRES_TEXT})::numeric END"
)


def condition(found: Sequence[Term], now: datetime) -> Q:
    """Letters for which all these terms hold."""
    return reduce(and_, (_of(term, now) for term in found), Q())


def _of(term: Term, now: datetime) -> Q:
    if term.kind is Kind.WORDS:
        ways = [Q(**{f"{column}__icontains": term.value}) for column in WORDS]
        return reduce(or_, ways) | Q(flow_id=term.value)
    if term.kind is Kind.AGE:
        return Q(**{f"died_at__{TURNED[term.compared]}": now - span(term)})
    if term.kind is Kind.HEADER:
        return _of_header(term)
    if term.kind is Kind.PAYLOAD:
        return _of_payload(term)
    value = term.value if term.number is None else term.number
    is_equal = term.number is not None and term.compared is Compared.CONTAINS
    lookup = "exact" if is_equal else LOOKUPS[term.compared]
    here = Q(**{f"{term.name}__{lookup}": value})
    return ~here if term.compared is Compared.IS_NOT else here


def _of_header(term: Term) -> Q:
    value = KeyTextTransform(term.name, "headers")
    if term.compared is Compared.CONTAINS:
        return Q(IContains(value, term.value))
    here = Q(Exact(value, term.value))
    return ~here if term.compared is Compared.IS_NOT else here


def _of_payload(term: Term) -> Q:
    """A value of its own kind: `=89.90` is the number 89.9 and the text "89.90"."""
    if term.compared is Compared.CONTAINS:
        return _where(_text(), "LIKE", _like(term.value), term, lower=True)
    if term.compared in (Compared.IS, Compared.IS_NOT):
        here = _where(_text(), "=", term.value, term)
        if term.number is not None:
            here |= _where(_number(), "=", float(term.number), term)
        return ~here if term.compared is Compared.IS_NOT else here
    return _where(_number(), term.compared.value, float(term.number or 0), term)


def _where(what: str, compared: str, value: str | float, term: Term, *, lower: bool = False) -> Q:
    path = _sqlite_path(term.path) if connection.vendor == "sqlite" else list(term.path)
    left = f"lower({what})" if lower else what
    escape = " ESCAPE '!'" if compared == "LIKE" else ""
    sql = f"(CASE WHEN dlq_letter.has_json THEN coalesce({left} {compared} %s{escape}, false)"
    sql += " ELSE false END)"
    parameters = [*[path] * what.count("%s"), value]
    # all of the statement is ours: path and value are parameters
    return Q(RawSQL(sql, parameters, output_field=BooleanField()))  # noqa: S611


def _like(text: str) -> str:
    for special in "!%_":
        text = text.replace(special, f"!{special}")
    return f"%{text.lower()}%"


def _text() -> str:
    return _SQLITE_TEXT if connection.vendor == "sqlite" else f"({_POSTGRES_TEXT})"


def _number() -> str:
    return _SQLITE_NUMBER if connection.vendor == "sqlite" else _POSTGRES_NUMBER


def _sqlite_path(path: Sequence[str]) -> str:
    """`$."lines"[0]."sku"`: a step of digits is a place in an array."""
    steps = (f"[{step}]" if step.isascii() and step.isdigit() else f'."{step}"' for step in path)
    return "$" + "".join(steps)
