"""Deployments: said by a pipeline or a person, and shown as marks on time axes."""

from datetime import datetime, timedelta
from typing import Any

from kit import audit
from kit.models import Deployment, User
from kit.writes import writing

SHOWN = 8  # marks on one axis, the newest
LIKELY = timedelta(hours=6)  # a deployment longer ago is no explanation


def record(
    service: str, release: str, at: datetime, *, actor: str, user: User | None, note: str = ""
) -> tuple[Deployment, bool]:
    """Note that a release went out; whether that was news."""
    with writing():
        row, is_new = Deployment.objects.get_or_create(
            service=service, release=release, at=at, defaults={"actor": actor[:150], "note": note}
        )
        if is_new:
            audit.record(
                actor=actor,
                user=user,
                action="deployment",
                target_kind="service",
                target_id=service,
                summary=f"{row} went out",
                reason=note,
            )
    return row, is_new


def last_before(service: str, moment: datetime) -> Deployment | None:
    """What went out of this service last before a moment, if that may explain it."""
    found = Deployment.objects.filter(service=service, at__lte=moment, at__gte=moment - LIKELY)
    return found.order_by("-at").first()


def marks(since: datetime, until: datetime) -> list[dict[str, Any]]:
    """The deployments of a stretch of time, as a chart draws them; oldest first."""
    found = Deployment.objects.filter(at__gte=since, at__lt=until).order_by("-at", "-id")[:SHOWN]
    return [
        {
            "t": int(row.at.timestamp()),
            "text": str(row)[:40],
            "side": "left" if row.at - since > until - row.at else "right",
        }
        for row in reversed(found)
    ]
