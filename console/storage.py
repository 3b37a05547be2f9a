"""The store as JSON."""

from typing import Any

from django.http import HttpRequest
from ninja import Router
from pydantic import BaseModel

from kit import clock
from kit.permissions import Permission
from kit.security import BearerOrSession
from tracing.retention import report

router = Router(tags=["storage"])


class KindOut(BaseModel):
    """What one kind of rows takes."""

    kind: str
    rows: int
    bytes: int
    estimated: bool


class WalkOut(BaseModel):
    """What one walk of retention deleted; `behind_s`: how much too old its next row is."""

    walk: str
    deleted: int
    last_at: str | None
    behind_s: int


class StorageOut(BaseModel):
    """The store; null is unknown, or (limits) not there."""

    used_bytes: int
    file_bytes: int
    log_bytes: int | None
    max_bytes: int | None
    disk_free_bytes: int | None
    growth_bytes_per_day: int | None
    days_left: float | None
    oldest_event_at: str | None
    sampled_at: str | None
    kinds: list[KindOut]
    retention: list[WalkOut]


@router.get("/storage", response=StorageOut, auth=BearerOrSession(Permission.READ))
def storage(request: HttpRequest) -> dict[str, Any]:
    """How large the store is, how it grows, how long it lasts, what retention did last."""
    return report.document(report.report(clock.now()))
