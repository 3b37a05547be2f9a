"""Masking of secrets where something is shown; the stored original is never changed."""

import re
from collections.abc import Mapping
from typing import Any

MASK = "••••"
DEPTH = 64

_SECRET_NAME = re.compile(
    r"pass(word|wd|phrase)|(^|[-_])(pass|pwd)$|secret|token|api[-_]?key|authorization|cookie|credential|private[-_]?key"
    r"|(^|[-_])(pin|cvv|cvc|iban|ssn)($|[-_])|card[-_]?(number|no)|^pan$",
    re.IGNORECASE,
)
_MAIL = re.compile(r"\b([A-Za-z0-9])[A-Za-z0-9._%+-]*@([A-Za-z0-9-]+\.[A-Za-z0-9.-]+)\b")
_CARD = re.compile(r"\b\d(?:[ -]?\d){12,18}\b")
_BEARER = re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)
_ASSIGNED = re.compile(
    r"(?i)\b(password|passwd|pwd|secret|token|api[-_]?key)(\"?\s*[=:]\s*\"?)[^\s\"',;&}]+"
)
_URL_PASSWORD = re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+@")


def is_secret(name: str) -> bool:
    """Whether a field of this name is masked whole."""
    return bool(_SECRET_NAME.search(name))


def mask_text(text: str) -> str:
    """Free text with mail addresses, card numbers, bearer tokens and passwords masked."""
    text = _URL_PASSWORD.sub(rf"\1:{MASK}@", text)
    text = _BEARER.sub(rf"\1 {MASK}", text)
    text = _ASSIGNED.sub(rf"\1\2{MASK}", text)
    text = _MAIL.sub(rf"\1{MASK}@\2", text)
    return _CARD.sub(_mask_card, text)


def mask_json(value: Any, depth: int = 0) -> Any:
    """JSON with secret fields masked whole and texts masked inside; too deep is masked whole."""
    if depth > DEPTH:
        return MASK
    if isinstance(value, dict):
        return {
            name: MASK if is_secret(name) and inner is not None else mask_json(inner, depth + 1)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [mask_json(inner, depth + 1) for inner in value]
    return mask_text(value) if isinstance(value, str) else value


def mask_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers with secret ones masked whole and the others as free text."""
    return {n: MASK if is_secret(n) else mask_text(str(v)) for n, v in headers.items()}


def _mask_card(match: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", match.group())
    return f"{MASK} {digits[-4:]}" if _luhn(digits) else match.group()


def _luhn(digits: str) -> bool:
    """The check digit of card numbers (ISO/IEC 7812-1), so that other numbers stay readable."""
    doubled = [int(d) * (2 if i % 2 else 1) for i, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0
