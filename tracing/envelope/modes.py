"""Which mode of CloudEvents a message is in, by its content type; the same for every transport."""

import re
from enum import StrEnum

from tracing.envelope.model import EnvelopeError

STRUCTURED = "application/cloudevents"
BATCH = "application/cloudevents-batch"
CHARSETS = ("utf-8", "us-ascii")
_CHARSET = re.compile(r';[ \t]*charset="?([^";]*)', re.IGNORECASE)


class Mode(StrEnum):
    """Where the attributes lie."""

    BINARY = "binary"  # in headers; the body is the data
    STRUCTURED = "structured"  # all in the body
    BATCH = "batch"  # an array of events in the body


class FormatError(EnvelopeError):
    """A CloudEvents format or a charset that is not read here."""


def mode_of(content_type: str) -> Mode:
    """The mode of a message with this content type. Raises FormatError."""
    if content_type[: len(STRUCTURED)].lower() != STRUCTURED:
        return Mode.BINARY
    name, _, encoding = content_type.partition(";")[0].strip(" \t").lower().partition("+")
    charset = _CHARSET.search(content_type)
    if encoding != "json" or (charset and charset[1].strip(" \t").lower() not in CHARSETS):
        raise FormatError("of CloudEvents only the JSON format in UTF-8 is read")
    if name == BATCH:  # before STRUCTURED, which it begins with
        return Mode.BATCH
    if name == STRUCTURED:
        return Mode.STRUCTURED
    raise FormatError("is no content type of CloudEvents")
