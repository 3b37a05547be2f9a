"""The rules of CloudEvents for attributes, the same for every format."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TypeVar
from urllib.parse import unquote

from kit import limits
from kit.limits import ATTRIBUTE_BYTES
from tracing.envelope.model import Envelope, EnvelopeError, LimitError
from tracing.envelope.trace import valid_traceparent, valid_tracestate

REQUIRED = ("specversion", "id", "source", "type")
# Longest value, in characters, of what has a column of its own; the others: ATTRIBUTE_BYTES.
LONGEST = {
    "id": 1024,
    "source": 1024,
    "type": 255,
    "subject": 1024,
    "time": 64,
    "dataschema": 1024,
    "datacontenttype": 255,
    "correlationid": 255,
    "partitionkey": 255,
    "sequence": 255,
    "cascadeattempt": 80,
    "cascadetarget": 255,
}
# String attributes: in JSON, a number or a boolean here is refused.
TEXT = frozenset(LONGEST) | {
    "specversion",
    "causationid",
    "causationids",
    "traceparent",
    "tracestate",
}
# Empty is as wrong as absent is right.
NOT_EMPTY = (TEXT | {"specversion"}) - {"traceparent", "tracestate"}

# So many characters are not too long, whatever they take in bytes.
_SURE = ATTRIBUTE_BYTES // 4
_SURELY = {name: LONGEST.get(name, _SURE) for name in TEXT}

T = TypeVar("T")

_NAME = re.compile(r"[a-z0-9]+")
_FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | low) for plane in range(17) for low in (0xFFFE, 0xFFFF))
    + "]"
)
_URI_CHARACTERS = r"(?:[A-Za-z0-9._~:/?@!$&'()*+,;=\[\]-]|%[0-9A-Fa-f]{2})"
_REFERENCE = re.compile(rf"{_URI_CHARACTERS}*(?:#{_URI_CHARACTERS}*)?")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_WORD = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_MEDIA_TYPE = re.compile(rf"{_WORD}/{_WORD}(?:[ \t]*;[ \t]*(?:{_WORD}=(?:{_WORD}|{_QUOTED}))?)*")
_JSON_TYPE = re.compile(r"[^/;]+/(?:[^/;]+\+)?json[ \t]*(?:;.*)?", re.IGNORECASE)
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:)(\d\d)(\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)


def build(
    attributes: Mapping[str, str],
    *,
    content_type: str = "",
    data: bytes | None,
    headers: dict[str, str],
) -> Envelope:
    """The envelope of these attributes (text, by name). Raises EnvelopeError."""
    rest = dict(attributes)
    if content_type:
        rest.setdefault("datacontenttype", content_type)
    check(rest)
    take = rest.pop
    del rest["specversion"]
    time_text, dataschema = take("time", ""), take("dataschema", "")
    causes = _causes(take("causationid", ""), take("causationids", ""))
    traceparent = take("traceparent", "")
    if traceparent:
        traceparent = valid_traceparent(traceparent)
    if "tracestate" in rest and not (traceparent and valid_tracestate(rest["tracestate"])):
        del rest["tracestate"]
    return Envelope(
        id=take("id"),
        source=_checked(uri_reference, "source", take("source")),
        type=take("type"),
        subject=take("subject", ""),
        time=_checked(rfc3339, "time", time_text) if time_text else None,
        time_text=time_text,
        correlation_id=take("correlationid", ""),
        causes=causes,
        partition_key=take("partitionkey", ""),
        sequence=take("sequence", ""),
        traceparent=traceparent,
        dataschema=_checked(absolute_uri, "dataschema", dataschema) if dataschema else "",
        content_type=_checked(media_type, "datacontenttype", take("datacontenttype", "")),
        attempt=take("cascadeattempt", ""),
        target=take("cascadetarget", ""),
        extensions=rest,
        headers=headers,
        data=data,
    )


def check(attributes: Mapping[str, str]) -> None:
    """Names, sizes, characters and what must be there. Raises EnvelopeError."""
    if len(attributes) > limits.intake.attributes:
        raise LimitError(f"more than {limits.intake.attributes} attributes")
    for name, value in attributes.items():
        longest = _SURELY.get(name)
        if longest is None:
            _check_name(name)
            longest = _SURE
        if not value and name in NOT_EMPTY:
            raise EnvelopeError("is empty", name)
        if not value.isprintable():  # a fast way to say that nothing forbidden is in it
            _check_characters(name, value)
        if len(value) > longest:
            _check_length(name, value)
    for name in REQUIRED:
        if name not in attributes:
            raise EnvelopeError("is missing", name)
    if attributes["specversion"] != "1.0":
        raise EnvelopeError('only "1.0" is known', "specversion")


def text_of(name: str, value: object) -> str:
    """The canonical text of a JSON attribute value. Raises EnvelopeError for a wrong type."""
    if isinstance(value, str):
        return value
    if name in TEXT:
        raise EnvelopeError("is not a string", name)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if -(2**31) <= value < 2**31:
            return str(value)
        raise EnvelopeError("is no 32-bit integer", name)
    raise EnvelopeError("is neither a string, nor an integer, nor a boolean", name)


@lru_cache(maxsize=4096)
def uri_reference(text: str) -> str:
    """`text` when it is a URI-reference (RFC 3986; a fragment is valid). Raises ValueError."""
    head = re.split(r"[/?#]", text, maxsplit=1)[0]
    if not _REFERENCE.fullmatch(text) or (":" in head and not _SCHEME.match(text)):
        raise ValueError("is no URI-reference")
    return text


@lru_cache(maxsize=4096)
def absolute_uri(text: str) -> str:
    """`text` when it is empty or a URI with a scheme. Raises ValueError."""
    if text and not (_SCHEME.match(text) and _REFERENCE.fullmatch(text)):
        raise ValueError("is no absolute URI")
    return text


@lru_cache(maxsize=4096)
def media_type(text: str) -> str:
    """`text` when it is empty or a media type (RFC 2046). Raises ValueError."""
    if text and not _MEDIA_TYPE.fullmatch(text):
        raise ValueError("is no media type")
    return text


@lru_cache(maxsize=4096)
def is_json(content_type: str) -> bool:
    """Whether this media type, or none at all, says that data is JSON."""
    return not content_type or _JSON_TYPE.fullmatch(content_type) is not None


def rfc3339(text: str) -> datetime:
    """The moment in UTC, cut to microseconds. Raises ValueError."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError("is no RFC 3339 time")
    leap = found[3] == "60"
    upper = text.upper()
    if leap:  # a leap second is valid; the one before it, plus one, is the same moment
        upper = f"{upper[:17]}59{upper[19:]}"
    try:
        moment = datetime.fromisoformat(upper)
        if moment.tzinfo is UTC and not leap:
            return moment
        return (moment + timedelta(seconds=leap)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("is no RFC 3339 time") from error


def _causes(first: str, more: str) -> tuple[str, ...]:
    """causationid, then causationids (`,` and `%` inside an ID percent-encoded), each once."""
    if not more:
        return (first,) if first else ()
    try:
        others = [unquote(part, errors="strict") for part in more.split(",")]
    except UnicodeDecodeError as error:
        raise EnvelopeError("a percent-encoded ID is no UTF-8", "causationids") from error
    if not all(others):
        raise EnvelopeError("has an empty ID", "causationids")
    for other in others:
        if not other.isprintable():
            _check_characters("causationids", other)
    return tuple(dict.fromkeys([first, *others] if first else others))


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or name == "data":
        raise EnvelopeError("attribute names are lower-case letters and digits, not `data`", name)


def _check_characters(name: str, value: str) -> None:
    found = _FORBIDDEN.search(value)
    if found:
        raise EnvelopeError(f"has the forbidden character U+{ord(found[0]):04X}", name)


def _check_length(name: str, value: str) -> None:
    longest = LONGEST.get(name)
    if longest is not None:
        raise LimitError(f"is longer than {longest} characters", name)
    if len(value.encode()) > ATTRIBUTE_BYTES:
        raise LimitError(f"is larger than {ATTRIBUTE_BYTES} bytes", name)


def _checked(rule: Callable[[str], T], name: str, value: str) -> T:
    try:
        return rule(value)
    except ValueError as error:
        raise EnvelopeError(str(error), name) from error
