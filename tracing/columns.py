"""The rows of tracing's tables, as the writers fill them."""

from typing import Any

import msgspec

from brokers.retention import LARGE_PAYLOAD
from tracing.bulk import Moment, Row, Table, moment
from tracing.envelope import Envelope, body_hash
from tracing.rows import SPAN_BROKER

EVENT = Table(
    "tracing_event",
    (
        "identity",
        "published_at",
        "body_hash",
        "flow_id",
        "source",
        "event_id",
        "type",
        "subject",
        "time",
        "time_text",
        "causes",
        "partition_key",
        "sequence",
        "traceparent",
        "dataschema",
        "content_type",
        "data",
        "size",
        "attributes",
        "headers",
        "broker",
        "topic",
        "received_at",
    ),
)
APPEARANCE = Table(
    "tracing_appearance",
    (
        "broker",
        "stream",
        "position",
        "identity",
        "broker_time",
        "received_at",
        "body_hash",
        "replay_attempt",
        "replay_target",
    ),
)
RECEIPT = Table(
    "tracing_receipt",
    (
        "receipt_identity",
        "seen_at",
        "identity",
        "flow_id",
        "consumer",
        "attempt",
        "outcome",
        "stream",
        "position",
        "started_at",
        "duration_ms",
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
        "received_at",
    ),
)
PAYLOAD = Table("tracing_payload", ("identity", "body_hash", "data"))
FLOW = Table(
    "tracing_flow",
    (
        "flow_id",
        "started_at",
        "last_at",
        "dirty_since",
        "status",
        "reason",
        "root_type",
        "label",
        "events",
        "deliveries",
        "open_letters",
        "currency",
    ),
    ("text", *["timestamptz"] * 3, *["text"] * 4, *["int"] * 3, "text"),
)
FLOW_KEY = Table("tracing_flowkey", ("key", "flow_id"), ("text", "text"))
MALFORMED = Table(
    "tracing_malformed",
    ("broker", "stream", "position", "reason", "raw", "size", "received_at"),
)

SIZE = EVENT.columns.index("size")
_BROKER = EVENT.columns.index("broker")
_NEWER = ", ".join(f"{name} = excluded.{name}" for name in EVENT.columns[1:])
# Of several appearances the earliest says what the event is, whichever comes in first; the
# body's hash decides between two of the same moment. A span says it only where no envelope does.
EARLIEST = (
    f"ON CONFLICT (identity) DO UPDATE SET {_NEWER}"
    f" WHERE (excluded.broker = '{SPAN_BROKER}', excluded.published_at, excluded.body_hash)"
    f" < (tracing_event.broker = '{SPAN_BROKER}', tracing_event.published_at,"
    " tracing_event.body_hash)"
)
EARLIEST_RECEIPT = (
    "ON CONFLICT (receipt_identity) DO UPDATE SET seen_at = excluded.seen_at"
    " WHERE excluded.seen_at < tracing_receipt.seen_at"
)
# The oldest mark stays, so that a busy flow is not put off for ever.
MARK_DIRTY = (
    "ON CONFLICT (flow_id) DO UPDATE SET dirty_since = excluded.dirty_since"
    " WHERE tracing_flow.dirty_since IS NULL"
)


def rank(broker: str, published_at: Moment, hashed: bytes) -> tuple[Any, ...]:
    """As in EARLIEST: of two rows of one event, the one of the lesser rank says what it is."""
    return broker == SPAN_BROKER, published_at, hashed


def rank_of(event: Row) -> tuple[Any, ...]:
    """The rank of an event's row."""
    return rank(event[_BROKER], event[1], event[2])


def event_row(
    event: Envelope,
    *,
    broker: str,
    topic: str,
    broker_time: Moment,
    received_at: Moment,
    large: int = LARGE_PAYLOAD,
) -> Row:
    """One event; the times in the database's form. Columns as in EVENT.

    A body of more than `large` bytes is left to PAYLOAD.
    """
    own_time = moment(event.time)
    size = len(event.data) if event.data else 0
    return (
        event.identity,
        broker_time or own_time or received_at,
        body_hash(event.data),
        event.flow_id,
        event.source,
        event.id,
        event.type,
        event.subject,
        own_time,
        event.time_text,
        _json(event.causes) if event.causes else "[]",
        event.partition_key,
        event.sequence,
        event.traceparent,
        event.dataschema,
        event.content_type,
        event.data if size <= large else None,
        size,
        _json(event.extensions) if event.extensions else "{}",
        _json(event.headers) if event.headers else "{}",
        broker,
        topic,
        received_at,
    )


def flow_row(flow_id: str, started_at: object, now: object) -> Row:
    """A flow that nobody has summarised yet. Columns as in FLOW; times in the database's form."""
    return (flow_id, started_at, started_at, now, "running", "", "", "", 0, 0, 0, "")


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
