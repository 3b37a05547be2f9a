"""A cascade as the document of the API and the command line (DESIGN, contract)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from kit.clock import rfc3339
from kit.redaction import mask_text
from tracing.cascade import MEANINGS, Attempt, Cascade, Delivery, EventNode
from tracing.models import Flow


def document(flow: Flow, keys: Sequence[str], cascade: Cascade) -> dict[str, Any]:
    """The whole cascade as JSON-ready data; error texts are masked."""
    return {
        "correlation_id": flow.flow_id,
        "status": flow.status,
        "reason": mask_text(flow.reason),
        "keys": list(keys),
        "started_at": rfc3339(flow.started_at),
        "ended_at": _time(flow.ended_at),
        "truncated_before": _time(flow.truncated_before),
        "pinned_at": _time(flow.pinned_at),
        "nodes": [_event(node) for node in cascade.events]
        + [_delivery(node) for node in cascade.deliveries],
        "edges": [
            {"from": edge.origin, "to": edge.target, "evidence": edge.evidence.value}
            for edge in cascade.edges
        ],
        "anomalies": [
            {
                "kind": one.kind.value,
                "title": MEANINGS[one.kind].title,
                "severity": MEANINGS[one.kind].tone,
                "node": one.node,
                "detail": one.detail,
            }
            for one in cascade.anomalies
        ],
        "critical_path": [
            {
                "node": segment.node,
                "kind": segment.kind.value,
                "started_at": rfc3339(segment.started_at),
                "duration_ms": _ms(segment.seconds),
            }
            for segment in cascade.critical_path
        ],
        "critical_path_shares": [
            {
                "kind": one.kind.value,
                "duration_ms": _ms(one.seconds),
                "share": round(one.share, 4),
            }
            for one in cascade.shares
        ],
    }


def _event(node: EventNode) -> dict[str, Any]:
    row = node.row
    if row is None:
        return {"id": node.id, "kind": "missing", "name": node.name}
    return {
        "id": node.id,
        "kind": "event",
        "type": row.type,
        "event_id": row.event_id,
        "source": mask_text(row.source),
        "correlation_id": row.flow_id,
        "topic": row.topic,
        "at": rfc3339(node.at),
        "outside": node.outside,
        "appearances": len(node.appearances),
    }


def _delivery(node: Delivery) -> dict[str, Any]:
    return {
        "id": node.id,
        "kind": "delivery",
        "consumer": node.consumer,
        "state": node.state.value,
        "started_at": rfc3339(node.started_at),
        "ended_at": _time(node.ended_at),
        "raw_started_at": rfc3339(node.raw_started_at),
        "raw_ended_at": _time(node.raw_ended_at),
        "shift_ms": _ms(node.shift_s),
        "evidence": node.evidence.value,
        "letter": node.letter_id,
        "attempts": [_attempt(attempt) for attempt in node.attempts],
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "outcome": attempt.outcome,
        "started_at": rfc3339(attempt.started_at),
        "raw_started_at": rfc3339(attempt.raw_started_at),
        "duration_ms": None if attempt.took_s is None else _ms(attempt.took_s),
        "retry_in_ms": None if attempt.retry_in_s is None else _ms(attempt.retry_in_s),
        "error_type": attempt.error_type,
        "error_message": mask_text(attempt.error_message) if attempt.error_message else "",
        "process": attempt.process,
        "release": attempt.release,
        "replay_attempt": attempt.replay_attempt,
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
