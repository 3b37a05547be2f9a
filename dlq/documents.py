"""Dead letters and replays as JSON documents: what the API answers and `dlq … --json` prints."""

from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from dlq import classes, editing, payloads
from dlq.classes import Class
from dlq.models import Group, Item, Letter, Replay, Revision
from dlq.wording import cause
from kit.clock import rfc3339
from kit.redaction import mask_headers, mask_text

ITEMS = 100  # of a replay in one document; the account counts all


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


class ClassOut(BaseModel):
    """Members of a plan that share a fate; money by currency."""

    name: str
    letters: int
    amounts: dict[str, str]
    examples: list[str]


class ItemOut(BaseModel):
    """One member of a replay."""

    id: int
    letter: int
    state: str
    target: str
    attempt: str
    superseded_by: str
    evidence: str
    sent_at: str | None
    settled_at: str | None


class ReplayOut(BaseModel):
    """A replay: its plan, and the account of its members by state."""

    id: int
    state: str
    title: str
    consumer: str
    reason: str
    actor: str
    members_hash: str
    members: int
    include_superseded: bool
    accept_others: bool
    needs_acceptance: bool
    classified: bool
    left_out: dict[str, int]
    receivers: list[dict[str, Any]]
    why_not_durable: str
    account: dict[str, int]
    created_at: str
    started_at: str | None
    ended_at: str | None


class WholeReplayOut(ReplayOut):
    """A replay with its classes and its first members, worst first."""

    classes: list[ClassOut]
    items: list[ItemOut]


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


def _class(row: Class) -> ClassOut:
    amounts: dict[str, Decimal] = row.amounts
    return ClassOut(
        name=row.name,
        letters=row.letters,
        amounts={currency: str(amount) for currency, amount in sorted(amounts.items())},
        examples=row.examples,
    )


def _item(row: Item) -> ItemOut:
    return ItemOut(
        id=row.pk,
        letter=row.letter_id,
        state=row.state,
        target=row.target,
        attempt=row.attempt,
        superseded_by=row.superseded_by,
        evidence=mask_text(row.evidence),
        sent_at=rfc3339(row.sent_at) if row.sent_at else None,
        settled_at=rfc3339(row.settled_at) if row.settled_at else None,
    )


def _replay_columns(row: Replay) -> dict[str, Any]:
    return {
        "id": row.pk,
        "state": row.state,
        "title": row.title,
        "consumer": row.consumer,
        "reason": row.reason,
        "actor": row.actor,
        "members_hash": row.members_hash,
        "members": row.plan["letters"],
        "include_superseded": row.include_superseded,
        "accept_others": row.accept_others,
        "needs_acceptance": row.plan["needs_acceptance"],
        "classified": row.plan["classified_at"] is not None,
        "left_out": row.plan["left_out"],
        "receivers": row.plan["receivers"],
        "why_not_durable": row.plan["why_not_durable"],
        "account": {s.value: n for s, n in classes.account(row).items() if n},
        "created_at": rfc3339(row.created_at),
        "started_at": rfc3339(row.started_at) if row.started_at else None,
        "ended_at": rfc3339(row.ended_at) if row.ended_at else None,
    }


def replay(row: Replay) -> ReplayOut:
    """A replay of a list."""
    return ReplayOut(**_replay_columns(row))


def whole_replay(row: Replay) -> WholeReplayOut:
    """A replay with classes and members: those that need a look first."""
    look = ("maybe_sent", "failed_again", "no_receipt")
    items = list(row.items.filter(state__in=look).order_by("pk")[:ITEMS])
    rest = row.items.exclude(state__in=look).order_by("pk")[: ITEMS - len(items)]
    return WholeReplayOut(
        **_replay_columns(row),
        classes=[_class(one) for one in classes.classes(row.pk)],
        items=[_item(one) for one in (*items, *rest)],
    )
