"""FastStream on Redis: its binary format, and the JSON it wrote before.

Source: faststream/redis/parser/binary.py and message.py of FastStream 0.7 (the magic number, the
version, where headers and data start, the headers as pairs of text with their lengths). It carries
a correlation ID that every answer keeps; an ID of its own and a cause only if the program says so.
"""

from struct import Struct
from typing import Any

from tracing.envelope.foreign.message import Found, Message, text, texts

MAGIC = b"\x89BIN\x0d\x0a\x1a\x0a"
HEADERS = 256  # more are not read
_VERSION_1 = 1
_START = Struct(">HII")  # version, where headers start, where data starts
_SHORT = Struct(">H")


def read(message: Message) -> Found | None:
    """A published message, out of its packing."""
    body = message.body
    if body and body.startswith(MAGIC):
        return _from_binary(body)
    members = message.members(b'"correlation_id"', b'"headers"', b'"data"')
    headers = members.get("headers")
    if members.keys() != {"data", "headers"} or not isinstance(members["data"], str):
        return None
    return _found(headers, members["data"].encode()) if isinstance(headers, dict) else None


def _from_binary(body: bytes) -> Found | None:
    version, at, data_at = _START.unpack_from(body, len(MAGIC))
    if version != _VERSION_1:
        return None
    (count,) = _SHORT.unpack_from(body, at)
    at += _SHORT.size
    headers: dict[str, str] = {}
    for _ in range(min(count, HEADERS)):
        name, at = _text(body, at)
        headers[name], at = _text(body, at)
    return _found(headers, body[data_at:])


def _text(body: bytes, at: int) -> tuple[str, int]:
    (length,) = _SHORT.unpack_from(body, at)
    start = at + _SHORT.size
    return body[start : start + length].decode(), start + length


def _found(headers: dict[str, Any], data: bytes) -> Found:
    cause = text(headers.get("causation_id"))
    return Found(
        reader="FastStream",
        id=text(headers.get("message_id")),
        type=text(headers.get("type")),
        correlation=text(headers.get("correlation_id")),
        causation=(cause,) if cause else (),
        content_type=text(headers.get("content-type")),
        data=data,
        headers=texts(headers),
    )
