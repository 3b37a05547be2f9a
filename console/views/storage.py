"""The page of the store: what takes the room, how it grows, what retention does."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from brokers.config import current
from brokers.retention import Retention
from kit import clock, formats
from kit.live import respond
from kit.permissions import Permission
from kit.security import require
from tracing.models import StorageSample
from tracing.pins import pinned
from tracing.retention import report
from tracing.retention.report import Report

SLOTS = 56  # of the trail: three hours each
SLOT = timedelta(hours=3)
FILLS = ("ink", "work", "idle", "pale")  # of the largest kinds, then sunken


@require_GET
@require(Permission.READ)
def storage(request: HttpRequest) -> HttpResponse:
    """Sizes are measured, rows and kinds come from the last sample."""
    now = clock.now()
    found = report.report(now)
    context = {
        "section": "settings",
        "found": found,
        "growth": None if found.growth is None else round(found.growth),
        "kinds": _kinds(found),
        "bar": [(fill, use.bytes) for fill, use in _kinds(found)],
        "label": ", ".join(f"{use.kind} {formats.size(use.bytes)}" for use in found.uses),
        "trail": _trail(found.trail, now),
        "kept": _kept(current().retention),
        "walked": [one for one in found.walked if one.deleted],
        "pinned": pinned().count(),
    }
    regions = {"storage": "console/_storage.html"}
    return respond(request, "console/storage.html", regions, context)


def _kinds(found: Report) -> list[tuple[str, report.Use]]:
    fills = [*FILLS, *["sunken"] * max(0, len(found.uses) - len(FILLS))]
    return list(zip(fills, found.uses, strict=False))


def _trail(samples: Sequence[StorageSample], now: datetime) -> list[float | None]:
    """Used bytes over the last week, None where there is no sample."""
    slots: list[float | None] = [None] * SLOTS
    for sample in samples:
        slot = SLOTS - 1 - int((now - sample.at) / SLOT)
        if 0 <= slot < SLOTS:
            slots[slot] = float(sample.used_bytes)
    return slots


def _kept(retention: Retention) -> list[tuple[str, Any]]:
    """What the configuration says, in words."""
    rows = [("Events", retention.events)]
    rows += [(name, age) for name, age in sorted(retention.types.items())]
    rows += [
        (kind.capitalize(), getattr(retention, kind) or retention.events)
        for kind in ("receipts", "spans", "malformed")
    ]
    rows.append(("Orders' summaries", retention.summaries))
    return [(name, age or "for ever") for name, age in rows]
