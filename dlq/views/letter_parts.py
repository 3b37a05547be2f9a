"""The parts of a letter's page, each with what its template needs."""

from typing import Any

from brokers.contract import BrokerError
from dlq import editing, payloads, queries, wording
from dlq.models import Death, Letter
from dlq.refusals import Refused
from dlq.stacks import Frame, frames
from dlq.targets import Kind, Route, Routes
from dlq.views import table
from kit.marks import Mark, mark
from kit.redaction import mask_headers, mask_text
from tracing import queries as tracing

OUTLINE = 12  # lines of the cascade shown beside a letter
EFFECTS = 5  # events named in the dock
SENSITIVE = ("ce-dataschema", "ce-traceparent", "ce-tracestate", "ce-type", "ce-partitionkey")
BECAUSE = {
    "attempts": "every attempt failed",
    "permanent": "the handler said that no further try can help",
    "malformed": "it could not be read: no handler saw it",
}


def content(letter: Letter) -> dict[str, Any]:
    """Payload, headers and stack, masked; beside a revision the original."""
    now = editing.content(letter)
    return {
        "cause": wording.cause(letter.error_type, mask_text(letter.error_message)),
        "trace": _folded(letter.error_stack),
        "stack": mask_text(letter.error_stack),
        "payload": payloads.shown(now.payload),
        "revision": now.revision,
        "compared": editing.compare(letter, now) if now.revision else None,
        "headers": _headers(now.headers, letter.headers),
        "revisions": list(letter.revisions.order_by("-number")[:20]),
    }


def past(letter: Letter) -> dict[str, Any]:
    """Its attempts by the receipts, its deaths, the replays it was part of, why it died."""
    receipts = tracing.receipts_of(bytes(letter.event_identity), letter.consumer)
    tries = [row for row in receipts if row.origin != "letter"]
    return {
        "because": _because(letter),
        "evidence": mask_text(letter.evidence),
        "tries": [{"row": row, "mark": mark(row.outcome)} for row in tries[-20:]],
        "try_count": len(tries),
        "copies": _deaths(letter),
        "items": queries.items_of(letter.pk),
    }


def dock(letter: Letter) -> dict[str, Any]:
    """What was already done before anything is sent again."""
    effects = tracing.published_by(bytes(letter.event_identity), letter.consumer)
    since = table.since_it_died([letter])
    return {
        "effects": effects[:EFFECTS],
        "more_effects": max(0, len(effects) - EFFECTS),
        "superseded": since.get(letter.pk, ""),
        "replayed": letter.items.exclude(sent_at=None).count(),
    }


def route(letter: Letter) -> dict[str, Any]:
    """Which way a replay would go, asked of the broker; words when it cannot be known."""
    edited = letter.revisions.exists()
    where = (letter.broker, letter.stream, bool(letter.position), letter.topic)
    kind = Kind(*where, letter.consumer, edited)
    try:
        found: Route = Routes().of(kind)
    except (BrokerError, Refused) as error:
        return {"words": "", "trouble": str(error), "others": ()}
    return {
        "words": found.why,
        "trouble": "" if found.targets else found.why,
        "others": found.others if found.needs_acceptance else (),
    }


def cascade(letter: Letter) -> dict[str, Any]:
    """Its place in its cascade: the outline around it."""
    whole = tracing.cascade_of(letter.flow_id) if letter.flow_id else None
    if whole is None:
        return {"outline": [], "flow_id": ""}
    lines = whole.outline
    here = next((at for at, line in enumerate(lines) if _is_here(line.node, letter)), 0)
    start = max(0, min(here - 3, len(lines) - OUTLINE))
    return {
        "flow_id": letter.flow_id,
        "outline": [_line(line, letter) for line in lines[start : start + OUTLINE]],
        "more": len(lines) - OUTLINE if len(lines) > OUTLINE else 0,
    }


def _is_here(node: Any, letter: Letter) -> bool:
    return (
        getattr(node, "consumer", None) == letter.consumer
        and getattr(node, "identity", b"") == bytes(letter.event_identity)
    )  # fmt: skip


def _line(line: Any, letter: Letter) -> dict[str, Any]:
    node = line.node
    is_delivery = hasattr(node, "consumer")
    state = node.state.value if is_delivery else ("" if node.seen else "expected")
    return {
        "depth": min(line.depth, 5),
        "name": node.consumer if is_delivery else node.name,
        "mark": mark(state) if state else Mark("bolt", "muted", "event"),
        "at": node.started_at if is_delivery else node.at,
        "tries": node.tries if is_delivery else 0,
        "here": _is_here(node, letter),
    }


def _because(letter: Letter) -> str:
    words = BECAUSE.get(letter.reason, letter.reason or "its queue does not say why")
    if letter.reason == "attempts" and letter.attempts is not None:
        return f"{letter.attempts} of {letter.attempts} attempts failed"
    return words


def _deaths(letter: Letter) -> list[dict[str, Any]]:
    """The deaths, newest first, each with its copies."""
    found: dict[int, list[Death]] = {}
    for copy in letter.copies.order_by("died_at", "pk")[:200]:
        found.setdefault(copy.number, []).append(copy)
    return [
        {
            "first": copies[0],
            "cause": wording.cause(copies[0].error_type, mask_text(copies[0].error_message)),
            "copies": copies,
        }
        for copies in reversed(found.values())
    ]


def _headers(now: dict[str, str], original: dict[str, str]) -> list[dict[str, Any]]:
    """Headers in three kinds: locked, sensitive, free; each line says whether it was edited."""
    shown = mask_headers(now)
    kinds: dict[str, list[dict[str, Any]]] = {"locked": [], "sensitive": [], "free": []}
    for name in sorted(now):
        kind = "locked" if name in editing.LOCKED else "sensitive" if name in SENSITIVE else "free"
        edited = original.get(name) != now[name]
        kinds[kind].append({"name": name, "value": shown[name], "edited": edited})
    words = {
        "locked": ("lock", "muted", "Locked: which event it is"),
        "sensitive": ("alert-triangle", "warn", "Sensitive: how it is read and traced"),
        "free": ("pencil", "muted", "Free"),
    }
    return [
        {"icon": words[kind][0], "tone": words[kind][1], "word": words[kind][2], "lines": lines}
        for kind, lines in kinds.items()
        if lines
    ]


def _folded(stack: str) -> list[dict[str, Any]]:
    """Own frames whole, runs of library frames as one line."""
    shown: list[dict[str, Any]] = []
    for frame in frames(stack)[:200]:
        if frame.own:
            shown.append({"own": True, "frame": _masked(frame), "more": 0})
        elif shown and not shown[-1]["own"]:
            shown[-1]["more"] += 1
        else:
            shown.append({"own": False, "frame": frame, "more": 0})
    return shown


def _masked(frame: Frame) -> Frame:
    return Frame(frame.file, frame.line, frame.function, frame.own, mask_text(frame.code))
