"""What the panel beside a cascade shows of one node; bodies, headers and errors are masked."""

import json
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kit import formats
from kit.marks import Mark, mark
from kit.redaction import mask_headers, mask_json, mask_text
from tracing import bodies, queries
from tracing.cascade import MEANINGS, Cascade, Delivery, DeliveryState, EventNode
from tracing.models import Event
from tracing.views.anomalies import ICONS
from tracing.views.ran import ran

BODY_SHOWN = 16 * 1024  # bytes
STACK_SHOWN = 8 * 1024  # characters
APPEARANCES_SHOWN = 20
TIES_SHOWN = 20  # causes, and effects
TELLERS = {"receipt": "receipt"}
JSON_TYPES = ("json", "+json")


def panel(found: Cascade, node: EventNode | Delivery) -> dict[str, Any]:
    """The context of the panel: at most three queries, and one for each trace of a delivery."""
    event = found.event_of(node) if isinstance(node, Delivery) else node
    stored = None
    if event.row is not None:
        stored = Event.objects.filter(identity=event.row.identity).first()
    into, out_of = found.into[node.id], found.out_of[node.id]
    context: dict[str, Any] = {
        "event": event,
        "delivery": node if isinstance(node, Delivery) else None,
        "appearances": event.appearances[:APPEARANCES_SHOWN],
        "envelope": _envelope(stored) if stored else None,
        "led_to": [found.nodes[edge.target] for edge in out_of[:TIES_SHOWN]],
        "more_led_to": max(0, len(out_of) - TIES_SHOWN),
        "causes": [(found.nodes[edge.origin], edge.evidence) for edge in into[:TIES_SHOWN]],
        "more_causes": max(0, len(into) - TIES_SHOWN),
        "anomalies": [
            (one, MEANINGS[one.kind], ICONS[MEANINGS[one.kind].tone])
            for one in found.anomalies
            if one.node == node.id
        ],
    }
    if isinstance(node, Delivery):
        context |= _standing(node)
        context["ran"] = ran(node)
    return context


def _standing(node: Delivery) -> dict[str, Any]:
    """How the delivery stands, since when, and who told."""
    dead = [one for one in node.marks if one.outcome == "dead_lettered"]
    failed = node.state is DeliveryState.FAILED
    shown = mark("dead_lettered" if failed and dead else node.state)
    return {
        "icon": shown.icon,
        "tone": shown.tone,
        "word": shown.word,
        "since": dead[-1].at if failed and dead else _since(node),
        "told_by": _told_by(node),
        "attempts": [(one, _attempt_mark(one.outcome), lost) for one, lost in node.tried],
        "error": _error(node),
    }


def _told_by(node: Delivery) -> str:
    """`by 3 receipts and its letter`."""
    if any(attempt.inferred for attempt in node.attempts):
        letter = " and its letter" if node.marks else ""
        return f"inferred from its consumer's cursor and pending list{letter}: no receipt came"
    origins = Counter(TELLERS.get(one.told_by, "span") for one in node.attempts)
    told = [formats.plural(number, word) for word, number in sorted(origins.items())]
    told += ["its letter"] if node.marks else []
    return f"by {' and '.join(told)}"


def _since(node: Delivery) -> datetime | None:
    """None where nobody said when it was handled."""
    return None if node.state is DeliveryState.HANDLED else node.ended_at


def _attempt_mark(outcome: str) -> Mark:
    """An attempt that will be tried again has failed all the same."""
    return mark("failed" if outcome == "retrying" else outcome)


def _error(node: Delivery) -> dict[str, str] | None:
    """The last error of a delivery, with its stack."""
    failed = next((one for one in reversed(node.attempts) if one.error_type), None)
    if failed is None:
        return None
    rows = queries.receipts_of(node.identity, node.consumer)
    stack = next((row.error_stack for row in rows if row.receipt_identity == failed.receipt), "")
    return {
        "type": failed.error_type,
        "message": mask_text(failed.error_message),
        "stack": mask_text(stack[-STACK_SHOWN:]),
    }


def _envelope(stored: Event) -> dict[str, Any]:
    """Attributes, headers and body of an event, masked, and all of it as one CloudEvent."""
    data = bodies.body_of(stored) or b""
    body, cut = _body(data, stored.content_type)
    attributes = {
        "id": stored.event_id,
        "source": mask_text(stored.source),
        "type": stored.type,
        "subject": stored.subject,
        "time": stored.time_text,
        "correlationid": _correlation(stored),
        "causationid": ", ".join(stored.causes),
        "partitionkey": stored.partition_key,
        "sequence": stored.sequence,
        "dataschema": stored.dataschema,
        "traceparent": stored.traceparent,
        "datacontenttype": stored.content_type,
        **mask_headers(stored.attributes),
    }
    said = {name: value for name, value in attributes.items() if value}
    return {
        "attributes": said,
        "headers": mask_headers(stored.headers),
        "body": body if isinstance(body, str) else json.dumps(body, indent=1, ensure_ascii=False),
        "cut": cut,
        "size": stored.size,
        "apart": stored.data is None and stored.size > 0,
        "kept": len(data),
        "cloud_event": _cloud_event(said, data, body),
    }


def _correlation(stored: Event) -> str:
    """The flow's ID where the event bore it as such: not a trace's, and not its own."""
    transport = str(stored.headers.get("traceparent", ""))
    others = (bytes(stored.identity).hex(), stored.traceparent, transport)
    return "" if any(stored.flow_id in other for other in others) else stored.flow_id


def _body(data: bytes, content_type: str) -> tuple[Any, bool]:
    """The body, masked: JSON where it is JSON, else text; and whether it was cut."""
    if len(data) <= BODY_SHOWN and _is_json(content_type):
        try:
            return mask_json(json.loads(data)), False
        except (ValueError, RecursionError):
            pass
    return mask_text(data[:BODY_SHOWN].decode(errors="replace")), len(data) > BODY_SHOWN


def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().endswith(JSON_TYPES) or not content_type


def _is_binary(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return True
    return False


def _cloud_event(said: Mapping[str, str], data: bytes, body: Any) -> str:
    document: dict[str, Any] = {"specversion": "1.0", **said}
    if not _is_binary(data):  # what is no text cannot be masked, so it is not handed out
        document |= {"data": body}
    return json.dumps(document, indent=1, ensure_ascii=False)
