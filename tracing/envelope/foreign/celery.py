"""Celery's task messages, protocol 2: by headers, or as kombu writes a message whole in JSON.

Sources: https://docs.celeryq.dev/en/latest/internals/protocol.html; kombu's virtual transports
(kombu/transport/virtual/base.py): `body` is Base64 where `properties.body_encoding` says so.
A task's ID stays the same in its retries; `root_id` is the first task of all, `parent_id` the one
that was running when this was sent.
"""

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from tracing.envelope.foreign.message import Found, Message, text, texts

SOURCE = "celery"  # task IDs are UUIDs: where a task came from says nothing of which it is


def read(message: Message) -> Found | None:
    """A task: its ID, name, root and parent."""
    headers: Mapping[str, Any] = message.headers
    if "task" in headers and "id" in headers and "root_id" in headers:
        return _task(headers, message.content_type, None, {})
    members = message.members(b'"root_id"', b'"properties"', b'"headers"')
    headers = members.get("headers") or {}
    if not isinstance(headers, dict) or "task" not in headers or "id" not in headers:
        return None
    return _task(headers, text(members.get("content-type")), _body(members), texts(headers))


def _task(
    headers: Mapping[str, Any], content_type: str, data: bytes | None, kept: dict[str, str]
) -> Found:
    parent = text(headers.get("parent_id"))
    own = text(headers["id"])
    return Found(
        reader="Celery",
        id=own,
        source=SOURCE,
        type=text(headers["task"]),
        correlation=text(headers.get("root_id")) or own,
        causation=(parent,) if parent not in ("", "None") else (),
        content_type=content_type,
        data=data,
        headers=kept,
    )


def _body(members: Mapping[str, Any]) -> bytes | None:
    body, properties = members.get("body"), members.get("properties")
    if not isinstance(body, str):
        return None
    encoding = properties.get("body_encoding") if isinstance(properties, dict) else None
    return b64decode(body, validate=True) if encoding == "base64" else body.encode()
