"""The binary mode of CloudEvents over HTTP: attributes in `ce-*` headers, the body is the data."""

import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from tracing.envelope.attributes import build
from tracing.envelope.model import Envelope, EnvelopeError
from tracing.envelope.trace import transport_context

PREFIX = "ce-"
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def from_headers(headers: Mapping[str, str], content_type: str, body: bytes) -> Envelope:
    """The event of a binary-mode request; header names in any case. Raises EnvelopeError."""
    lower = {name.lower(): value for name, value in headers.items()}
    attributes = {
        name.removeprefix(PREFIX): _decoded(name.removeprefix(PREFIX), value)
        for name, value in lower.items()
        if name.startswith(PREFIX)
    }
    if "datacontenttype" in attributes:
        raise EnvelopeError("is Content-Type in binary mode", "datacontenttype")
    kept = transport_context(lower)
    return build(attributes, content_type=content_type, data=body or None, headers=kept)


def _decoded(name: str, value: str) -> str:
    """A header's value: unquoted, then percent-decoded once. Raises EnvelopeError."""
    text = value.strip(" \t")
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = _ESCAPED.sub(r"\1", text[1:-1])
    if "%" not in text and text.isascii():
        return text
    try:
        # WSGI hands bytes over as Latin-1
        return unquote_to_bytes(text.encode("latin-1")).decode()
    except UnicodeError as error:
        raise EnvelopeError("is not UTF-8 once percent-decoded", name) from error
