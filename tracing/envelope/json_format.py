"""The JSON format of CloudEvents: one event (structured mode) or an array of them (batch)."""

import binascii
import json
import re
from base64 import b64decode
from typing import Any

import msgspec

from kit import limits
from tracing.envelope.attributes import build, is_json, text_of
from tracing.envelope.model import Envelope, EnvelopeError, LimitError

UNTOLD = "application/octet-stream"  # of data_base64 JSON is not assumed (JSON format 1.0.2, 3.1.1)
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
# Members stay raw: data is stored byte for byte as it came.
_Members = dict[str, msgspec.Raw]
_EVENT = msgspec.json.Decoder(_Members)
_BATCH = msgspec.json.Decoder(list[msgspec.Raw])


class BatchError(ValueError):
    """Some members of a batch are no events: their indexes and what is wrong with each."""

    def __init__(self, errors: list[tuple[int, EnvelopeError]]) -> None:
        super().__init__(f"{len(errors)} members of the batch are no events")
        self.errors = errors


def from_structured(body: bytes) -> Envelope:
    """The event in a structured-mode body. Raises EnvelopeError."""
    repeated = _repeats(body)
    _check_depth(body, limits.intake.nesting)
    return _event(body, repeated)


def from_batch(body: bytes) -> list[Envelope]:
    """The events of a batch. Raises EnvelopeError for the whole, BatchError for members."""
    repeats = _repeats(body)
    raw = [bytes(member) for member in members(body)]
    for member in raw:  # each alone: few have so many brackets that one has to look
        _check_depth(member, limits.intake.nesting - 1)
    events, errors = [], []
    for index, member in enumerate(raw):
        repeated = isinstance(repeats, list) and repeats[index] is True
        try:
            events.append(_event(member, repeated))
        except EnvelopeError as error:
            errors.append((index, error))
    if errors:
        raise BatchError(errors)
    return events


def members(body: bytes) -> list[msgspec.Raw]:
    """The members of a batch, unread. Raises EnvelopeError."""
    try:
        return _BATCH.decode(body)
    except RecursionError as error:
        raise _too_deep() from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EnvelopeError(f"is no JSON array ({error})") from error


def is_deeper(body: bytes, bound: int) -> bool:
    """Whether valid JSON nests deeper than `bound`, without recursion.

    Each pass takes off the innermost brackets, so what is left after `bound` passes is deeper.
    """
    if body.count(b"[") + body.count(b"{") <= bound:
        return False
    brackets = _STRING.sub(b"", body).translate(_ONE_KIND, _NOT_BRACKETS)
    for _ in range(bound):
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


def _event(body: bytes, repeated: object) -> Envelope:
    if repeated is True:
        raise EnvelopeError("a member is there twice")
    try:
        raw = _EVENT.decode(body)
        attributes = {
            name: text_of(name, value)
            for name, part in raw.items()
            if name not in ("data", "data_base64")
            and (value := msgspec.json.decode(part)) is not None
        }
    except (msgspec.DecodeError, RecursionError) as error:
        raise EnvelopeError(f"is no JSON object of attributes ({error})") from error
    declared = attributes.get("datacontenttype", "")
    data, implied = _data(raw, declared)
    return build(attributes, content_type=implied, data=data, headers={})


def _data(raw: _Members, declared: str) -> tuple[bytes | None, str]:
    """The data's bytes, and the content type implied where none is declared."""
    encoded = msgspec.json.decode(raw["data_base64"]) if "data_base64" in raw else None
    if encoded is not None:
        if "data" in raw:
            raise EnvelopeError("data and data_base64 are both there", "data_base64")
        return _base64(encoded), "" if declared else UNTOLD
    if "data" not in raw:
        return None, ""
    data = bytes(raw["data"])
    if not is_json(declared) and data[:1] == b'"':
        return str(msgspec.json.decode(data)).encode(), ""
    return data, "" if declared else "application/json"


def _base64(value: object) -> bytes:
    if not isinstance(value, str):
        raise EnvelopeError("is not a string", "data_base64")
    try:
        return b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise EnvelopeError("is no Base64", "data_base64") from error


def _repeats(body: bytes) -> object:
    """True for an object with a member twice, a list of that for a batch.

    msgspec keeps the last of two members in silence; this second reading does not. It also
    checks what msgspec leaves raw: UTF-8, control characters.
    """
    try:
        text = body.decode()
        found: object = json.loads(
            text, object_pairs_hook=_has_repeat, parse_int=_nothing, parse_float=_nothing
        )
    except UnicodeDecodeError as error:
        raise EnvelopeError("is not UTF-8") from error
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        raise EnvelopeError(f"is no JSON ({error})") from error
    return found


def _check_depth(body: bytes, bound: int) -> None:
    if is_deeper(body, bound):
        raise _too_deep()


def _has_repeat(pairs: list[tuple[str, Any]]) -> bool:
    return len(dict(pairs)) != len(pairs)


def _nothing(_: str) -> None:
    """Numbers are not looked at here; one of a million digits costs nothing."""


def _too_deep() -> EnvelopeError:
    return LimitError(f"is nested deeper than {limits.intake.nesting} levels")
