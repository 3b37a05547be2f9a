"""Receipts: evidence of attempts, and of what was done to a dead letter (`report_all`)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec
from django.db import connection

from cascade_client.fields import RECEIPT_TYPE
from kit import clock
from kit.writes import writing
from tracing.bulk import AT_ONCE, IGNORE, Moment, Row, change, moment, read_moment, write
from tracing.columns import FLOW, MARK_DIRTY, RECEIPT, flow_row
from tracing.envelope import Envelope, EnvelopeError, identity, positional, storable
from tracing.envelope.attributes import rfc3339

MESSAGE_CHARACTERS = 8 * 1024  # of an error's message: the rest is cut off
STACK_CHARACTERS = 64 * 1024  # of an error's stack: the rest is cut off
EVENTS = 1_000  # emitted by one attempt
STRAY_FOR = timedelta(minutes=15)  # far longer than any write takes
STRAYS = (
    "SELECT receipt.id, event.flow_id, receipt.started_at FROM tracing_receipt AS receipt"
    " JOIN tracing_event AS event ON event.identity = receipt.identity"
    " WHERE receipt.flow_id = '' AND receipt.received_at >= %s"
    " ORDER BY receipt.started_at, receipt.id LIMIT %s"
)

Outcome = Literal["started", "succeeded", "retrying", "failed", "dead_lettered", "skipped"]
LetterOutcome = Literal["dead_lettered", "replayed", "discarded", "mended"]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Milliseconds = Annotated[float, msgspec.Meta(ge=0)]


class Failure(msgspec.Struct, frozen=True):
    """What went wrong in an attempt."""

    type: str = ""
    message: str = ""
    stack: str | None = None


class Emitted(msgspec.Struct, frozen=True):
    """An event that an attempt published."""

    source: str
    id: str


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """The data of a `cascade.receipt.v1`; unknown members are ignored."""

    consumer: Name
    outcome: Outcome
    started_at: str
    event_source: str = ""
    event_id: str = ""
    stream: Annotated[str, msgspec.Meta(max_length=255)] = ""
    position: Annotated[str, msgspec.Meta(max_length=64)] = ""
    attempt: Annotated[int, msgspec.Meta(ge=1, lt=2**31)] = 1
    duration_ms: Milliseconds | None = None
    error: Failure | None = None
    process: str | None = None
    release: str | None = None
    replay_attempt: Annotated[str, msgspec.Meta(max_length=80)] | None = None
    retry_in_ms: Milliseconds | None = None
    events: Annotated[list[Emitted], msgspec.Meta(max_length=EVENTS)] = []


class Parsed(msgspec.Struct, frozen=True):
    """A receipt: whose it is, what it says, and when its attempt started."""

    identity: bytes  # of the event that was handled
    body: Body
    started_at: datetime


_DECODER = msgspec.json.Decoder(Body)


def is_receipt(envelope: Envelope) -> bool:
    """Whether this event is a receipt."""
    return envelope.type == RECEIPT_TYPE


def parse(envelope: Envelope, broker: str) -> Parsed:
    """What a receipt says. An event without source and id is known by its position on `broker`.

    Raises EnvelopeError whose path starts with `data`.
    """
    try:
        body = _DECODER.decode(envelope.data or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        text, _, where = str(error).partition(" - at ")
        raise EnvelopeError(text, where.strip("`").replace("$", "data", 1) or "data") from error
    try:
        started_at = rfc3339(body.started_at)
    except ValueError as error:
        raise EnvelopeError(str(error), "data.started_at") from error
    source, event_id = body.event_source, body.event_id
    if not (source and event_id):
        if not (body.stream and body.position):
            raise EnvelopeError("names neither an event nor its stream and position", "data")
        source, event_id = positional(broker, body.stream, body.position)
    return Parsed(_identity(source, event_id), body, started_at)


def row(
    receipt: Parsed,
    receipt_identity: bytes,
    flow_id: str,
    seen_at: datetime,
    received_at: datetime,
    origin: str,
) -> Row:
    """One receipt as a row. Columns as in RECEIPT."""
    body, error = receipt.body, receipt.body.error or Failure()
    emitted = [_identity(event.source, event.id).hex() for event in body.events]
    return (
        receipt_identity,
        moment(seen_at),
        receipt.identity,
        flow_id,
        storable(body.consumer)[:255],
        body.attempt,
        body.outcome,
        storable(body.stream)[:255],
        storable(body.position)[:64],
        moment(receipt.started_at),
        body.duration_ms,
        storable(error.type)[:255],
        storable(error.message)[:MESSAGE_CHARACTERS],
        storable(error.stack or "")[:STACK_CHARACTERS],
        storable(body.process or "")[:255],
        storable(body.release or "")[:80],
        storable(body.replay_attempt or "")[:80],
        body.retry_in_ms,
        msgspec.json.encode(emitted).decode() if emitted else "[]",
        origin,
        None,
        moment(received_at),
    )


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to a dead letter, for `report_all`; `attempt` is a replay attempt."""

    event_identity: bytes
    flow_id: str
    consumer: str
    outcome: LetterOutcome
    letter_id: int
    at: datetime
    attempt: str = ""
    error_type: str = ""
    error_message: str = ""
    process: str = ""
    release: str = ""


def report_all(reports: Sequence[Report]) -> None:
    """Say what happened to dead letters, so that their cascades show it; marks flows dirty.

    Within the caller's transaction. The same report twice is one: it is known by letter,
    outcome, replay attempt and moment.
    """
    now = moment(clock.now())
    rows = sorted(
        (_letter_row(report, now) for report in reports),
        key=lambda row: bytes(row[RECEIPT.columns.index("receipt_identity")]),
    )
    write(RECEIPT, rows, IGNORE)
    first: dict[str, datetime] = {}
    for one in reports:
        if one.flow_id:
            first[one.flow_id] = min(one.at, first.get(one.flow_id, one.at))
    flows = [flow_row(flow_id, moment(first[flow_id]), now) for flow_id in sorted(first)]
    write(FLOW, flows, MARK_DIRTY)


def adopt() -> int:
    """Give receipts without a flow that of their event; how many those were.

    On PostgreSQL two writers may store an event and its receipt at the same moment, neither
    seeing the other's row; a receipt that names no flow itself then has none until this.
    """
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(STRAYS, [moment(now - STRAY_FOR), AT_ONCE])
        found = cursor.fetchall()
    if not found:
        return 0
    first: dict[str, Moment] = {}
    for _, flow_id, at in found:
        first.setdefault(flow_id, read_moment(at))
    with writing():
        change(
            "UPDATE tracing_receipt SET flow_id = %s WHERE id = %s AND flow_id = ''",
            [(flow_id, number) for number, flow_id, _ in found],
        )
        flows = [flow_row(flow_id, first[flow_id], moment(now)) for flow_id in sorted(first)]
        write(FLOW, flows, MARK_DIRTY)
    return len(found)


def _letter_row(report: Report, now: datetime | str | None) -> Row:
    key = f"{report.letter_id}/{report.outcome}/{report.attempt}/{report.at.isoformat()}"
    at = moment(report.at)
    fields: Mapping[str, object] = {
        "receipt_identity": identity("letter", key),
        "seen_at": at,
        "identity": report.event_identity,
        "flow_id": report.flow_id,
        "consumer": storable(report.consumer)[:255],
        "attempt": 1,
        "outcome": report.outcome,
        "stream": "",
        "position": "",
        "started_at": at,
        "duration_ms": None,
        "error_type": storable(report.error_type)[:255],
        "error_message": storable(report.error_message)[:MESSAGE_CHARACTERS],
        "error_stack": "",
        "process": storable(report.process)[:255],
        "release": storable(report.release)[:80],
        "replay_attempt": report.attempt,
        "retry_in_ms": None,
        "published": "[]",
        "origin": "letter",
        "letter_id": report.letter_id,
        "received_at": now,
    }
    return tuple(fields[name] for name in RECEIPT.columns)


def _identity(source: str, event_id: str) -> bytes:
    return identity(storable(source), storable(event_id))
