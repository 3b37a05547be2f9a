"""Rows of the database as the pure modules take them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from django.db.models import QuerySet

from tracing.models import Event, Receipt
from tracing.rows import AppearanceRow, EventRow, ReceiptRow

CHUNK = 500  # members of one IN list

EVENT_FIELDS = (
    "identity",
    "source",
    "event_id",
    "type",
    "flow_id",
    "published_at",
    "causes",
    "subject",
    "time",
    "partition_key",
    "sequence",
    "body_hash",
    "broker",
    "topic",
)
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
    "process",
    "release",
    "replay_attempt",
    "retry_in_ms",
    "published",
    "origin",
    "letter_id",
)
APPEARANCE_FIELDS = (
    "identity",
    "broker",
    "stream",
    "position",
    "broker_time",
    "received_at",
    "body_hash",
    "replay_attempt",
    "replay_target",
)
_T = TypeVar("_T")


def events_of(identities: Iterable[bytes]) -> list[EventRow]:
    """The events among these that were seen."""
    answer: list[EventRow] = []
    for chunk in chunks(sorted(set(identities))):
        answer.extend(event_rows(Event.objects.filter(identity__in=chunk)))
    return answer


def event_rows(found: "QuerySet[Event]") -> Iterator[EventRow]:
    """These events as pure rows; body and headers are not read."""
    for record in found.values(*EVENT_FIELDS):
        yield event_row(record)


def event_row(record: dict[str, Any]) -> EventRow:
    """One event from a dictionary of EVENT_FIELDS."""
    record["identity"] = bytes(record["identity"])
    record["body_hash"] = bytes(record["body_hash"])
    record["causes"] = tuple(record["causes"])
    return EventRow(**record)


def receipt_rows(found: "QuerySet[Receipt]", *, with_stack: bool = False) -> Iterator[ReceiptRow]:
    """These receipts as pure rows; the stack only where asked for."""
    fields = (*RECEIPT_FIELDS, "error_stack") if with_stack else RECEIPT_FIELDS
    for record in found.values(*fields):
        yield receipt_row(record)


def receipt_row(record: dict[str, Any]) -> ReceiptRow:
    """One receipt from a dictionary of RECEIPT_FIELDS."""
    record["identity"] = bytes(record["identity"])
    record["receipt_identity"] = bytes(record["receipt_identity"])
    record["published"] = tuple(bytes.fromhex(text) for text in record["published"])
    return ReceiptRow(**record)


def appearance_row(record: dict[str, Any]) -> AppearanceRow:
    """One appearance from a dictionary of APPEARANCE_FIELDS."""
    record["identity"] = bytes(record["identity"])
    record["body_hash"] = bytes(record["body_hash"])
    return AppearanceRow(**record)


def chunks(members: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """The members in lists short enough for one statement."""
    for start in range(0, len(members), CHUNK):
        yield members[start : start + CHUNK]
