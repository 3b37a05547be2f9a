"""Error texts leave the process capped and without secrets."""

import re
import traceback
from dataclasses import dataclass

MESSAGE_BYTES = 2_048
STACK_BYTES = 16_384
HIDDEN = "***"

_NAMES = (
    r"(?:[\w.-]*(?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key"
    r"|authorization|credential|cvv|cvc|iban|card[_-]?number)[\w.-]*)"
)
_RULES = (
    # scheme://user:password@host
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://[^\s/:@]*):[^\s/@]+@"), rf"\1:{HIDDEN}@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}"), rf"\1 {HIDDEN}"),
    # a JSON Web Token
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), HIDDEN),
    # name = value, name: value, "name": "value"
    (
        re.compile(
            rf"(?i)(['\"]?\b{_NAMES}['\"]?\s*[=:]\s*)('[^']*'|\"[^\"]*\"|[^\s,;&)\]}}'\"]+)"
        ),
        rf"\1{HIDDEN}",
    ),
    (
        re.compile(r"-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|\Z)", re.DOTALL),
        HIDDEN,
    ),
    (re.compile(r"\b[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{4}){3,7}(?:[ ]?[A-Z0-9]{1,3})?\b"), HIDDEN),
)
_DIGITS = re.compile(r"(?<![\w.])\d(?:[ -]?\d){12,18}(?![\w.])")


@dataclass(frozen=True, slots=True)
class ErrorText:
    """An error as it is reported."""

    type: str
    message: str
    stack: str


def describe(error: BaseException) -> ErrorText:
    """Type, message and stack of an error, scrubbed and capped."""
    stack = "".join(traceback.format_exception(error)) if error.__traceback__ else ""
    return ErrorText(
        type=type(error).__qualname__,
        message=head(scrub(str(error)), MESSAGE_BYTES),
        stack=tail(scrub(stack), STACK_BYTES),
    )


def scrub(text: str) -> str:
    """The text with what looks like a secret replaced by `***`."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return _DIGITS.sub(lambda match: HIDDEN if _is_card(match[0]) else match[0], text)


def _is_card(text: str) -> bool:
    """Whether the digits pass the check of card numbers (Luhn)."""
    digits = [int(character) for character in text if character.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def head(text: str, limit: int) -> str:
    """The first `limit` bytes of a text, whole characters."""
    raw = text.encode(errors="backslashreplace")
    return raw.decode() if len(raw) <= limit else raw[: limit - 3].decode(errors="ignore") + "…"


def tail(text: str, limit: int) -> str:
    """The last `limit` bytes of a text, whole characters: the end of a stack tells the most."""
    raw = text.encode(errors="backslashreplace")
    return raw.decode() if len(raw) <= limit else "…" + raw[3 - limit :].decode(errors="ignore")
