"""Pins: flows that retention leaves whole because somebody said so."""

from django.db.models import QuerySet

from kit import audit, clock
from kit.limits import PINS
from kit.models import User
from kit.writes import writing
from tracing.aliases import canonical
from tracing.models import Flow


class PinsFullError(Exception):
    """So many flows are pinned that one must be unpinned first; the text says how many."""


def pin(flow_id: str, *, actor: str, user: User | None, reason: str = "") -> Flow:
    """Pin a flow; one that is pinned stays so. Raises Flow.DoesNotExist, PinsFullError."""
    with writing():
        flow = Flow.objects.select_for_update().get(flow_id=canonical(flow_id))
        if flow.pinned_at is not None:
            return flow
        if pinned().count() >= PINS:
            raise PinsFullError(f"{PINS:,} orders are pinned already; unpin one first")
        flow.pinned_at, flow.pinned_by = clock.now(), actor[:150]
        flow.save(update_fields=["pinned_at", "pinned_by"])
        _note(flow, "pinned", actor, user, reason)
    return flow


def unpin(flow_id: str, *, actor: str, user: User | None, reason: str = "") -> Flow:
    """Leave a flow to retention again; harmless when it is not pinned. Raises Flow.DoesNotExist."""
    with writing():
        flow = Flow.objects.select_for_update().get(flow_id=canonical(flow_id))
        if flow.pinned_at is None:
            return flow
        flow.pinned_at, flow.pinned_by = None, ""
        flow.save(update_fields=["pinned_at", "pinned_by"])
        _note(flow, "unpinned", actor, user, reason)
    return flow


def pinned() -> "QuerySet[Flow]":
    """The flows that are pinned, newest pin first."""
    return Flow.objects.filter(pinned_at__isnull=False).order_by("-pinned_at")


def _note(flow: Flow, action: str, actor: str, user: User | None, reason: str) -> None:
    audit.record(
        actor=actor,
        user=user,
        action=action,
        target_kind="flow",
        target_id=flow.flow_id,
        summary=f"{action} {flow.label or flow.flow_id}",
        reason=reason[:2_000],
    )
