"""Edits of dead letters: revisions on an untouched original, checked before they are kept."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jsonpatch
from django.db.models import F

from brokers.contract import Entry
from cascade_client import fields
from dlq import payloads
from dlq.diffs import Diff, side_by_side
from dlq.models import Letter, Revision
from dlq.words import LetterState
from kit import audit, limits
from kit.models import User
from kit.redaction import MASK, is_secret, mask_headers, mask_json
from kit.writes import writing
from tracing.envelope import Malformed, from_entry

LOCKED = (fields.ID, fields.SOURCE, fields.CORRELATION_ID)
LOCKED_MEMBERS = ("id", "source", "correlationid")  # where the body is the whole CloudEvent
HEADERS_MAX = 128
STRUCTURED = "application/cloudevents"


class EditError(ValueError):
    """The edit is refused; `field` is payload, headers, reason or letter. Lines count from 1."""

    def __init__(self, field: str, text: str, line: int = 0, column: int = 0) -> None:
        super().__init__(text)
        self.field = field
        self.text = text
        self.line = line
        self.column = column


class Conflict(EditError):
    """The letter changed since the edit began."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a replay sends: the original, or the result of the newest revision."""

    payload: bytes | None
    headers: dict[str, str]
    revision: Revision | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What an edit would change, masked; paths as JSON pointers, headers by name."""

    diff: Diff
    paths: list[str]
    headers: list[str]


def content(letter: Letter, revision: Revision | None = None) -> Content:
    """The newest revision's result (or the given one's), else the original."""
    newest = revision or letter.revisions.order_by("-number").first()
    original = _bytes(letter.payload)
    if newest is None:
        return Content(original, dict(letter.headers))
    headers = jsonpatch.apply_patch(dict(letter.headers), newest.headers_patch)
    return Content(_bytes(newest.payload), dict(headers), newest)


def revise(
    letter: Letter,
    payload_text: str | None,
    headers: Mapping[str, str] | None,
    reason: str,
    actor: str,
    *,
    user: User | None = None,
    version: int | None = None,
) -> Revision:
    """Keep an edit; None leaves that part as it is. The editor's text is what will be sent.

    Raises EditError, and Conflict when `version` is no longer the letter's.
    """
    if not reason.strip():
        raise EditError("reason", "Say why: the reason is kept with the revision.")
    with writing():
        row = Letter.objects.select_for_update().get(pk=letter.pk)
        _may_change(row, version)
        now = content(row)
        after = _result(row, now, payload_text, headers)
        number = (now.revision.number if now.revision else 0) + 1
        revision = Revision.objects.create(
            letter=row,
            number=number,
            payload_patch=_payload_patch(_bytes(row.payload), after.payload),
            payload=after.payload,
            headers_patch=_patch(dict(row.headers), after.headers),
            reason=reason.strip(),
            actor=actor[:150],
        )
        Letter.objects.filter(pk=row.pk).update(version=F("version") + 1)
        audit.record(
            actor=actor,
            user=user,
            action="edit",
            target_kind="letter",
            target_id=row.pk,
            summary=f"revision {number} of {row}",
            reason=reason.strip(),
            changes=_changes(now, after, number),
        )
    return revision


def preview(letter: Letter, payload_text: str | None, headers: Mapping[str, str] | None) -> Preview:
    """What the edit would change against the original. Raises EditError as `revise` would."""
    after = _result(letter, content(letter), payload_text, headers, unchanged=True)
    return compare(letter, after)


def compare(letter: Letter, after: Content) -> Preview:
    """The original beside what a revision makes of it, masked."""
    before = _bytes(letter.payload)
    patch = _payload_patch(before, after.payload)
    return Preview(
        diff=side_by_side(payloads.shown(before).text, payloads.shown(after.payload).text),
        paths=[op["path"] for op in patch or ()],
        headers=_changed_names(letter.headers, after.headers),
    )


def _may_change(letter: Letter, version: int | None) -> None:
    if version is not None and version != letter.version:
        raise Conflict("letter", "The letter changed since you began to edit it.")
    if letter.state != LetterState.DEAD:
        word = LetterState(letter.state).value.replace("_", " ")
        raise Conflict("letter", f"The letter is {word}: only a waiting letter can be edited.")


def _result(
    letter: Letter,
    now: Content,
    payload_text: str | None,
    headers: Mapping[str, str] | None,
    *,
    unchanged: bool = False,
) -> Content:
    payload = now.payload if payload_text is None else _payload(letter, now, payload_text)
    kept = now.headers if headers is None else _headers(letter, headers)
    if not unchanged and payload == now.payload and kept == now.headers:
        raise EditError("payload", "Nothing is changed.")
    _check_envelope(letter, kept, payload)
    return Content(payload, kept)


def _payload(letter: Letter, now: Content, text: str) -> bytes | None:
    if now.payload is not None and payloads.as_text(now.payload) is None:
        raise EditError("payload", "This payload is no text: only its headers can be edited.")
    if "\r\n" in text and b"\r\n" not in (now.payload or b""):
        text = text.replace("\r\n", "\n")  # a form sends every line end as CRLF
    result = text.encode("utf-8", "surrogatepass")
    _check_masks(text, now.payload or b"", "payload")
    if len(result) > limits.FORM_BYTES:
        raise EditError("payload", f"Larger than {limits.FORM_BYTES:,} bytes.")
    if payloads.as_text(result) is None:
        raise EditError("payload", "A payload edited as text cannot hold a NUL.")
    if not _wants_json(letter):
        return now.payload if result == (now.payload or b"") else result
    _check_json(text)
    return now.payload if payloads.same_json(result, now.payload) else result


def _check_masks(text: str, before: bytes, field: str) -> None:
    """What is shown masked must not come back as the value; a secret would be lost unseen."""
    if text.count(MASK) > before.count(MASK.encode()):
        wrong = f"It holds {MASK}, a masked value: begin with the unmasked content."
        raise EditError(field, wrong)


def _wants_json(letter: Letter) -> bool:
    return "json" in letter.content_type.lower() or payloads.is_json(_bytes(letter.payload))


def _check_json(text: str) -> None:
    try:
        json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise EditError("payload", f"Not JSON: {error.msg}", error.lineno, error.colno) from error
    except RecursionError as error:
        raise EditError("payload", "Nested too deep.") from error
    except ValueError as error:
        raise EditError("payload", f"Not JSON: {error}") from error


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def locked(letter: Letter) -> set[str]:
    """The headers that say which event this is; what was no CloudEvent may be given them."""
    structured = letter.headers.get(fields.CONTENT_TYPE, "").lower().startswith(STRUCTURED)
    said = structured or any(name.startswith(fields.ATTRIBUTE_PREFIX) for name in letter.headers)
    return {name for name in LOCKED if name in letter.headers or (said and letter.event_id)}


def _headers(letter: Letter, given: Mapping[str, str]) -> dict[str, str]:
    headers = {name.strip(): str(value) for name, value in given.items()}
    if len(headers) > HEADERS_MAX:
        raise EditError("headers", f"More than {HEADERS_MAX} headers.")
    for name in locked(letter):
        if headers.get(name) != letter.headers.get(name):
            raise EditError("headers", f"{name} is locked: it says which event this is.")
    for name, value in headers.items():
        _check_header(name, value, letter.body_field)
        _check_masks(value, letter.headers.get(name, "").encode(), "headers")
    return headers


def _check_header(name: str, value: str, body_field: str) -> None:
    if not name or not name.isprintable() or not name.isascii() or " " in name or len(name) > 255:
        raise EditError("headers", f"“{name}” is no name of a header.")
    if name.startswith(fields.DEAD_LETTER_PREFIX) or name in (*fields.STAMPS, body_field):
        raise EditError("headers", f"{name} is set by the machines, not by hand.")
    if len(value.encode("utf-8", "surrogatepass")) > limits.ATTRIBUTE_BYTES or "\0" in value:
        raise EditError("headers", f"{name} is too long, or holds a NUL.")


def _check_envelope(letter: Letter, headers: dict[str, str], payload: bytes | None) -> None:
    """What was an envelope stays one, and the same event, also where the body bears its ID."""
    if not letter.event_id:
        return
    found = from_entry(
        Entry(letter.broker, letter.stream, letter.topic, letter.position, None, headers, payload)
    )
    if isinstance(found, Malformed):
        raise EditError("headers", f"The result is no envelope: {found.reason}")
    if headers.get(fields.CONTENT_TYPE, "").lower().startswith(STRUCTURED):
        _check_members(_bytes(letter.payload), payload)
    before = payloads.bears(_bytes(letter.payload), letter.event_id)  # by a mapping, say
    if before and not payloads.bears(payload, letter.event_id):
        raise EditError("payload", f"{letter.event_id} is the ID of this event: it must stay.")


def _check_members(before: bytes | None, after: bytes | None) -> None:
    old, new = payloads.parse(before), payloads.parse(after)
    if not isinstance(old, dict) or not isinstance(new, dict):
        return
    for name in LOCKED_MEMBERS:
        if old.get(name) != new.get(name):
            raise EditError("payload", f"/{name} is locked: it says which event this is.")


def _payload_patch(before: bytes | None, after: bytes | None) -> list[dict[str, Any]] | None:
    """RFC 6902 where both are JSON, else None: then the revision holds the whole text alone."""
    if not (payloads.is_json(before) and payloads.is_json(after)):
        return None
    return _patch(json.loads(before or b""), json.loads(after or b""))


def _patch(before: Any, after: Any) -> list[dict[str, Any]]:
    patch: list[dict[str, Any]] = jsonpatch.make_patch(before, after).patch
    return patch


def _changed_names(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return sorted(n for n in before.keys() | after.keys() if before.get(n) != after.get(n))


def _changes(now: Content, after: Content, number: int) -> dict[str, Any]:
    """For the audit: digests, changed paths and a redacted diff, no values of secrets."""
    names = _changed_names(now.headers, after.headers)
    return {
        "revision": number,
        "payload": {
            "before": payloads.digest(now.payload),
            "after": payloads.digest(after.payload),
        },
        "diff": [_redacted(op) for op in _payload_patch(now.payload, after.payload) or ()],
        "headers": {
            name: [
                mask_headers({name: now.headers[name]})[name] if name in now.headers else None,
                mask_headers({name: after.headers[name]})[name] if name in after.headers else None,
            ]
            for name in names
        },
    }


def _redacted(op: dict[str, Any]) -> dict[str, Any]:
    if "value" not in op:
        return op
    hidden = any(is_secret(part) for part in op["path"].split("/"))
    return op | {"value": MASK if hidden else mask_json(op["value"])}


def _bytes(stored: Any) -> bytes | None:
    """A binary column's value: PostgreSQL gives a memoryview."""
    return None if stored is None else bytes(stored)
