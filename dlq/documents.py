"""Dead letters as JSON documents: what the API answers and `dlq … --json` prints."""

from typing import Any

from pydantic import BaseModel

from dlq import editing, payloads
from dlq.models import Group, Letter, Revision
from dlq.stages import stage_now
from dlq.wording import cause
from kit import clock
from kit.clock import rfc3339
from kit.redaction import mask_headers, mask_text


class GroupOut(BaseModel):
    """Dead letters with one cause."""

    id: int
    broker: str
    consumer: str
    cause: str
    letters: int
    open_letters: int
    open_amount: str
    currency: str
    first_at: str
    last_at: str
    stage: str  # open, acknowledged, muted, resolved, regressed
    stage_by: str
    assignee: str
    muted_until: str | None
    resolved_release: str


class LetterOut(BaseModel):
    """One dead letter, without its payload."""

    id: int
    group: int
    state: str
    version: int
    broker: str
    consumer: str
    topic: str
    stream: str
    position: str
    event_source: str
    event_id: str
    type: str
    flow: str
    label: str
    amount: str | None
    currency: str
    error_type: str
    error_message: str
    reason: str
    dialect: str  # the framework whose marks it bears
    evidence: str  # the mark that says that it is dead
    attempts: int | None
    deaths: int
    first_died_at: str
    died_at: str
    settled_at: str | None


class RevisionOut(BaseModel):
    """One edit of a letter: paths and reason, the values are in the letter's content."""

    number: int
    paths: list[str]
    headers: list[str]
    reason: str
    actor: str
    at: str


class WholeLetterOut(LetterOut):
    """One dead letter with what a replay would send, masked."""

    payload: str
    payload_kind: str  # JSON, text, binary, none
    payload_size: int
    headers: dict[str, str]
    error_stack: str
    revisions: list[RevisionOut]


class ContentOut(BaseModel):
    """What an edit begins with; `version` lets the edit notice a change in between."""

    payload: str | None  # None: no text, only its headers can be edited
    headers: dict[str, str]
    version: int


def group(row: Group) -> GroupOut:
    """A group."""
    return GroupOut(
        id=row.pk,
        broker=row.broker,
        consumer=row.consumer,
        cause=mask_text(cause(row.error_type, row.message, row.frame)),
        letters=row.letters,
        open_letters=row.open_letters,
        open_amount=str(row.open_amount),
        currency=row.currency,
        first_at=rfc3339(row.first_at),
        last_at=rfc3339(row.last_at),
        stage=stage_now(row, clock.now()).value,
        stage_by=row.stage_by,
        assignee=row.assignee.username if row.assignee else "",
        muted_until=rfc3339(row.muted_until) if row.muted_until else None,
        resolved_release=row.resolved_release,
    )


def _columns(row: Letter) -> dict[str, Any]:
    return {
        "id": row.pk,
        "group": row.group_id,
        "state": row.state,
        "version": row.version,
        "broker": row.broker,
        "consumer": row.consumer,
        "topic": row.topic,
        "stream": row.stream,
        "position": row.position,
        "event_source": row.source,
        "event_id": row.event_id,
        "type": row.type,
        "flow": row.flow_id,
        "label": row.label,
        "amount": None if row.amount is None else str(row.amount),
        "currency": row.currency,
        "error_type": row.error_type,
        "error_message": mask_text(row.error_message),
        "reason": row.reason,
        "dialect": row.dialect,
        "evidence": mask_text(row.evidence),
        "attempts": row.attempts,
        "deaths": row.deaths,
        "first_died_at": rfc3339(row.first_died_at),
        "died_at": rfc3339(row.died_at),
        "settled_at": rfc3339(row.settled_at) if row.settled_at else None,
    }


def letter(row: Letter) -> LetterOut:
    """A letter of a list."""
    return LetterOut(**_columns(row))


def whole_letter(row: Letter) -> WholeLetterOut:
    """A letter with its newest content and its revisions."""
    content = editing.content(row)
    shown = payloads.shown(content.payload)
    return WholeLetterOut(
        **_columns(row),
        payload=shown.text,
        payload_kind=shown.kind,
        payload_size=len(content.payload or b""),
        headers=mask_headers(content.headers),
        error_stack=mask_text(row.error_stack),
        revisions=[revision(one) for one in row.revisions.order_by("number")],
    )


def content(row: Letter) -> ContentOut:
    """A letter's newest content as the editor has it, unmasked."""
    newest = editing.content(row)
    payload = payloads.editable(newest.payload)
    return ContentOut(payload=payload, headers=newest.headers, version=row.version)


def revision(row: Revision) -> RevisionOut:
    """An edit."""
    return RevisionOut(
        number=row.number,
        paths=[op["path"] for op in row.payload_patch or ()],
        headers=[op["path"] for op in row.headers_patch],
        reason=row.reason,
        actor=row.actor,
        at=rfc3339(row.created_at),
    )
