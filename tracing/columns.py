"""The rows of tracing's tables, as the writers fill them."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from tracing.bulk import Moment, Row, Table
from tracing.rows import SPAN_BROKER

_TYPES = {  # PostgreSQL's, of columns of these names; the others are text
    **dict.fromkeys(("identity", "receipt_identity", "body_hash", "data", "raw"), "bytea"),
    **dict.fromkeys(("published_at", "received_at", "time", "broker_time"), "timestamptz"),
    **dict.fromkeys(("seen_at", "started_at", "last_at", "dirty_since"), "timestamptz"),
    **dict.fromkeys(("causes", "attributes", "headers", "published"), "jsonb"),
    **dict.fromkeys(("size", "attempt", "events", "deliveries", "open_letters"), "int4"),
    **dict.fromkeys(("duration_ms", "retry_in_ms"), "float8"),
    "letter_id": "int8",
}


def _table(name: str, columns: tuple[str, ...]) -> Table:
    return Table(name, columns, tuple(_TYPES.get(column, "text") for column in columns))


EVENT = _table(
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
        "topic",
        "broker",
        "stream",
        "position",
        "broker_time",
        "received_at",
        "replay_attempt",
        "replay_target",
    ),
)
APPEARANCE = _table(
    "tracing_appearance",
    (
        "identity",
        "broker",
        "stream",
        "position",
        "broker_time",
        "received_at",
        "body_hash",
        "replay_attempt",
        "replay_target",
    ),
)
RECEIPT = _table(
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
PAYLOAD = _table("tracing_payload", ("identity", "body_hash", "data"))
FLOW = _table(
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
)
FLOW_KEY = _table("tracing_flowkey", ("key", "flow_id"))
# What a flow bears itself it has not from another (tracing/gathering.py).
OWN_KEY = "ON CONFLICT (key, flow_id) DO UPDATE SET borrowed = FALSE WHERE tracing_flowkey.borrowed"
MALFORMED = _table(
    "tracing_malformed",
    ("broker", "stream", "position", "reason", "raw", "size", "received_at"),
)

SIZE = EVENT.columns.index("size")
_NEWER = ", ".join(f"{name} = excluded.{name}" for name in EVENT.columns[1:])
# Of several appearances the earliest says what the event is, whichever comes in first; the
# body's hash decides between two of the same moment, then the place (`rank`; not by the database,
# whose collations differ). A span says it only where no envelope does.
EARLIEST = (
    f"ON CONFLICT (identity) DO UPDATE SET {_NEWER}"
    f" WHERE (excluded.broker = '{SPAN_BROKER}', excluded.published_at, excluded.body_hash)"
    f" <= (tracing_event.broker = '{SPAN_BROKER}', tracing_event.published_at,"
    " tracing_event.body_hash)"
)
# Before an earlier one takes its place in the event's row.
KEEP_APPEARANCE = APPEARANCE.insert(
    f"{EVENT.select(', '.join(APPEARANCE.columns), 'WHERE identity {among}')}"
    " AND position <> '' ORDER BY identity {locked} ON CONFLICT DO NOTHING"
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


# Of an event's row: the appearance in it, and what tells two appearances of one event apart.
appearance_of = itemgetter(*map(EVENT.columns.index, APPEARANCE.columns))
place_of = itemgetter(*map(EVENT.columns.index, ("broker", "stream", "position")))


def rank(published_at: Moment, hashed: bytes, place: Sequence[str]) -> tuple[Any, ...]:
    """As in EARLIEST: of two rows of one event, the one of the lesser rank says what it is."""
    return place[0] == SPAN_BROKER, published_at, hashed, *place


def rank_of(event: Row) -> tuple[Any, ...]:
    """The rank of an event's row."""
    return rank(event[1], event[2], place_of(event))


def flow_row(flow_id: str, started_at: object, now: object) -> Row:
    """A flow that nobody has summarised yet. Columns as in FLOW; times in the database's form."""
    return (flow_id, started_at, started_at, now, "running", "", "", "", 0, 0, 0, "")
