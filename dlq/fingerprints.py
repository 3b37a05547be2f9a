"""What makes two deaths the same cause: consumer, error type, top own frame, message. Pure."""

import hashlib
import re
from dataclasses import dataclass

from dlq.stacks import short_path, top_own_frame
from kit.redaction import mask_text

VERSION = 1  # raised when the rules below change: groups of two versions never mix
MESSAGE_MAX = 500
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z_.\-]{0,39}")  # a field's name; with digits, a value

# In this order: what contains another comes first.
_PLACEHOLDERS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), placeholder)
    for pattern, placeholder in (
        (r"\b[a-z][a-z0-9+.-]*://[^\s'\"<>]+", "<url>"),
        (r"\b[\w.+-]+@[\w-]+\.[\w.-]+\b", "<mail>"),
        (r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b", "<id>"),
        (
            r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?",
            "<time>",
        ),
        (r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b", "<address>"),
        (r"\b0x[0-9a-fA-F]+\b", "<hex>"),
        (r"\b(?=[0-9a-fA-F]*\d)(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{8,}\b", "<hex>"),
        # a long word of letters and digits is a token or a generated id
        (r"\b(?=\w*\d)(?=\w*[A-Za-z])\w{20,}\b", "<id>"),
        (r"(?:(?<![\w)])-)?\d+(?:[.,]\d+)*", "<n>"),
    )
)
_QUOTED = re.compile(r"'([^'\n]*)'|\"([^\"\n]*)\"|`([^`\n]*)`")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A cause: its key (`1:` and a hash) and the parts it is made of, to be shown."""

    key: str
    frame: str  # `order_amount()`, or "" without a readable stack
    message: str  # normalised and masked


def fingerprint(
    *, broker: str, consumer: str, error_type: str, message: str, stack: str
) -> Fingerprint:
    """The cause of a death. The line number is left out: a release moves it."""
    frame = top_own_frame(stack)
    place = f"{short_path(frame.file)} {frame.function}" if frame else ""
    normal = normalise(message)
    parts = (str(VERSION), broker, consumer, error_type, place, normal)
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
    shown = f"{frame.function}()"[:255] if frame and frame.function else ""
    message = mask_text(normal)[:MESSAGE_MAX]
    return Fingerprint(key=f"{VERSION}:{digest}", frame=shown, message=message)


def normalise(message: str) -> str:
    """The message with its values replaced: ids, numbers, times, quoted values.

    Short quoted names such as 'currency' stay: they say what is missing.
    """
    text = _QUOTED.sub(_keep_names, message[: MESSAGE_MAX * 4])
    for pattern, placeholder in _PLACEHOLDERS:
        text = pattern.sub(placeholder, text)
    return _SPACE.sub(" ", text).strip()[:MESSAGE_MAX]


def _keep_names(match: re.Match[str]) -> str:
    inner = next((group for group in match.groups() if group is not None), "")
    if _IDENTIFIER.fullmatch(inner):
        return match.group()
    quote = match.group()[0]
    return f"{quote}<value>{quote}" if inner else match.group()
