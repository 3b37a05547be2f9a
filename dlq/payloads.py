"""A payload as text: to be shown masked, to be edited as it is. Pure."""

import json
from dataclasses import dataclass
from decimal import Decimal
from hashlib import blake2b
from typing import Any

import msgspec

from kit.redaction import mask_json, mask_text

SHOWN_CHARACTERS = 64 * 1024  # more of a payload is not shown on a page
_ENCODER = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Shown:
    """A payload for a page: masked, JSON indented."""

    kind: str  # JSON, text, binary, none
    text: str
    cut: bool = False

    @property
    def lines(self) -> list[str]:
        """The text in lines."""
        return self.text.split("\n") if self.text else []


def shown(payload: bytes | None) -> Shown:
    """The payload as anybody who may read sees it."""
    if payload is None:
        return Shown("none", "")
    value, text = parse(payload), as_text(payload)
    if value is not _NOTHING:
        return _cut("JSON", _indented(mask_json(value)))
    if text is not None:
        return _cut("text", mask_text(text.replace("\r\n", "\n")))
    return _cut("binary", mask_text(payload.decode("utf-8", "backslashreplace")))


def editable(payload: bytes | None) -> str | None:
    """The real text for the editor; one-line JSON is indented. None: it is no text."""
    text = as_text(payload or b"")
    if text is None or "\n" in text.strip() or parse(payload) is _NOTHING:
        return text
    try:
        # token by token: no number, no repeated member, no order is changed
        return str(msgspec.json.format(text, indent=2))
    except (msgspec.DecodeError, RecursionError):
        return text


def as_text(payload: bytes) -> str | None:
    """UTF-8 without NUL, or None."""
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def is_json(payload: bytes | None) -> bool:
    """Whether the payload reads as JSON."""
    return parse(payload) is not _NOTHING


def is_searchable(payload: bytes | None) -> bool:
    """Whether a database reads the payload as JSON too: UTF-8, no NUL, no half of a character."""
    value = parse(payload)
    if value is _NOTHING or payload is None:
        return False
    try:
        payload.decode()
        return "\\u0000" not in json.dumps(value, default=str) and bool(
            json.dumps(value, ensure_ascii=False, default=str).encode()
        )
    except (UnicodeError, RecursionError, ValueError):
        return False


def same_json(one: bytes | None, other: bytes | None) -> bool:
    """Whether two JSON texts differ in nothing but white space."""
    if one is None or other is None:
        return one is other
    try:
        return bool(msgspec.json.format(one, indent=-1) == msgspec.json.format(other, indent=-1))
    except (msgspec.DecodeError, RecursionError):
        return one == other


def digest(payload: bytes | None) -> str:
    """The digest of a payload as the audit writes it: BLAKE2b-128, hex."""
    return blake2b(payload or b"", digest_size=16).hexdigest()


def bears(payload: bytes | None, text: str) -> bool:
    """Whether a text or number somewhere in the JSON is this one."""
    left = [parse(payload)]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)
        elif isinstance(value, str | int) and str(value) == text:
            return True
    return False


_NOTHING: Any = object()


def parse(payload: bytes | None) -> Any:
    """The value with exact decimals, or `_NOTHING` (see `is_json`) when it is no JSON."""
    try:
        return json.loads(payload, parse_float=Decimal) if payload else _NOTHING
    except (ValueError, RecursionError):
        return _NOTHING


def _indented(value: Any) -> str:
    try:
        return bytes(msgspec.json.format(_ENCODER.encode(value), indent=2)).decode()
    except (OverflowError, RecursionError, TypeError, ValueError):
        # a whole number past 64 bits: only the other encoder takes it
        return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def _cut(kind: str, text: str) -> Shown:
    return Shown(kind, text[:SHOWN_CHARACTERS], cut=len(text) > SHOWN_CHARACTERS)
