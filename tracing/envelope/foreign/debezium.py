"""Debezium's change events, with the schema beside them or without; the body stays as it came.

Sources: https://debezium.io/documentation/reference/stable/connectors/postgresql.html (before,
after, source, op, ts_ms, transaction) and .../operations/debezium-server.html (Redis: the key is
the field's name). A change has no ID of its own. Changes of one database transaction are one flow
where the connector tells it (`provide.transaction.metadata`). Keys are looked for in the row.
"""

from typing import Any

from tracing.envelope.foreign.message import Found, Message, text

WORDS = {
    **{"c": "created", "u": "updated", "d": "deleted", "r": "read", "t": "truncated"},
    "m": "message",
}


def read(message: Message) -> Found | None:
    """A change: which table, what was done, when, in which transaction."""
    members = message.members(b'"op"', b'"source"', b'"ts_ms"')
    change = members.get("payload") if "schema" in members else members
    if not isinstance(change, dict) or text(change.get("op")) not in WORDS:
        return None
    source = change.get("source")
    if not isinstance(source, dict) or "connector" not in source:
        return None
    transaction = change.get("transaction")
    return Found(
        reader="Debezium",
        source="/".join(filter(None, ("debezium", text(source["connector"]), _of(source, "name")))),
        type=f"{_table(source)}.{WORDS[change['op']]}",
        time=source.get("ts_ms") or change.get("ts_ms") or "",
        correlation=_of(transaction, "id"),
        sequence=_of(transaction, "total_order"),
        partition_key=message.key,
        content_type="application/json",
        row=change.get("after") or change.get("before"),
    )


def _table(source: dict[str, Any]) -> str:
    schema = _of(source, "schema") or _of(source, "db")
    return ".".join(filter(None, (schema, _of(source, "table") or _of(source, "collection"))))


def _of(value: Any, name: str) -> str:
    return text(value.get(name)) if isinstance(value, dict) else ""
