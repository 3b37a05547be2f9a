"""Rows of the database as the pure modules take them.

A cascade of 10,000 nodes is 15,000 rows with as many times and lists: Django's converters would
take longer than all the rest, so the values are taken as the driver gives them, and times as text:
the drivers' own reading of them is Python, three times as slow as `fromisoformat`.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Model, QuerySet, TextField, Value
from django.db.models.functions import Cast

from tracing.models import Appearance, Event, Receipt
from tracing.rows import AppearanceRow, EventRow, ReceiptRow

CHUNK = 500  # members of one IN list

# in the order of the rows' own fields
EVENT_FIELDS = (
    "identity",
    "source",
    "event_id",
    "type",
    "flow_id",
    "published_at",
    "causes",
    "partition_key",
    "sequence",
    "body_hash",
    "broker",
    "topic",
)
APPEARANCE_FIELDS = (
    "identity",
    "broker",
    "stream",
    "position",
    "broker_time",
    "body_hash",
    "replay_attempt",
    "replay_target",
)
# of an event's own row, what it tells of where it was seen first
PLACE_FIELDS = ("stream", "position", "broker_time", "replay_attempt", "replay_target")
RECEIPT_FIELDS = (
    "receipt_identity",
    "identity",
    "flow_id",
    "consumer",
    "outcome",
    "started_at",
    "seen_at",
    "attempt",
    "duration_ms",
    "stream",
    "position",
    "error_type",
    "error_message",
    "error_stack",
    "process",
    "release",
    "replay_attempt",
    "retry_in_ms",
    "published",
    "origin",
    "letter_id",
)
TIMES = frozenset({"published_at", "broker_time", "started_at", "seen_at"})  # fetched as text
_M = TypeVar("_M", bound=Model)
_T = TypeVar("_T")
_DECODER = msgspec.json.Decoder(tuple[str, ...])


def events_of(identities: Iterable[bytes]) -> list[EventRow]:
    """The events among these that were seen."""
    answer: list[EventRow] = []
    for chunk in chunks(sorted(set(identities))):
        answer.extend(event_rows(Event.objects.filter(identity__in=chunk)))
    return answer


def event_rows(found: "QuerySet[Event]") -> Iterator[EventRow]:
    """These events as pure rows; body and headers are not read."""
    for row in _fetch(found, EVENT_FIELDS):
        yield _event(row)


def events_and_places(found: "QuerySet[Event]") -> tuple[list[EventRow], list[AppearanceRow]]:
    """These events, and where each was seen first as far as its own row says."""
    events: list[EventRow] = []
    places: list[AppearanceRow] = []
    for row in _fetch(found, (*EVENT_FIELDS, *PLACE_FIELDS)):
        *said, stream, position, broker_time, attempt, target = row
        event = _event(said)
        events.append(event)
        if position:
            at = None if broker_time is None else _moment(broker_time)
            place = (event.identity, event.broker, stream, position, at, event.body_hash)
            places.append(AppearanceRow(*place, attempt, target))
    return events, places


def _event(row: list[Any]) -> EventRow:
    row[0] = bytes(row[0])
    row[5] = _moment(row[5])
    row[6] = _texts(row[6])
    row[9] = bytes(row[9])
    return EventRow(*row)


def receipt_rows(found: "QuerySet[Receipt]", *, with_stack: bool = False) -> Iterator[ReceiptRow]:
    """These receipts as pure rows; the stack only where asked for."""
    fields: list[Any] = [
        Value("") if name == "error_stack" and not with_stack else name for name in RECEIPT_FIELDS
    ]
    for row in _fetch(found, fields):
        row[0] = bytes(row[0])
        row[1] = bytes(row[1])
        row[5] = _moment(row[5])
        row[6] = _moment(row[6])
        row[18] = tuple([bytes.fromhex(text) for text in _texts(row[18])])
        yield ReceiptRow(*row)


def appearance_rows(found: "QuerySet[Appearance] | QuerySet[Event]") -> Iterator[AppearanceRow]:
    """These appearances as pure rows; those of events are the ones in their own rows."""
    for row in _fetch(found, APPEARANCE_FIELDS):
        row[0] = bytes(row[0])
        row[4] = None if row[4] is None else _moment(row[4])
        row[5] = bytes(row[5])
        yield AppearanceRow(*row)


def chunks(members: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """The members in lists short enough for one statement."""
    for start in range(0, len(members), CHUNK):
        yield members[start : start + CHUNK]


def _fetch(found: "QuerySet[_M]", fields: Sequence[Any]) -> list[list[Any]]:
    """The columns of these rows, unconverted."""
    chosen = [Cast(name, TextField()) if name in TIMES else name for name in fields]
    try:
        sql, values = found.values_list(*chosen).query.sql_with_params()
    except EmptyResultSet:
        return []
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [list(row) for row in cursor.fetchall()]


def _moment(text: str) -> datetime:
    """SQLite keeps times in UTC without saying so; PostgreSQL says so."""
    value = datetime.fromisoformat(text)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _texts(value: str | bytes | list[str]) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, list) else _DECODER.decode(value)
