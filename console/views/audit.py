"""Who did what, when and why."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from kit.filters import Filter
from kit.live import respond
from kit.models import AuditEntry
from kit.pages import page
from kit.permissions import Permission
from kit.security import require

ORDER = ("-id",)


@dataclass(frozen=True)
class AuditFilter(Filter):
    """What the audit page and its API filter by."""

    q: str = ""
    actor: str = ""
    action: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def apply(self, rows: "QuerySet[AuditEntry]") -> "QuerySet[AuditEntry]":
        """The entries that match, in no order."""
        if self.q:
            rows = rows.filter(Q(summary__icontains=self.q) | Q(reason__icontains=self.q))
        if self.actor:
            rows = rows.filter(actor=self.actor)
        if self.action:
            rows = rows.filter(action=self.action)
        if self.since:
            rows = rows.filter(at__gte=self.since)
        return rows.filter(at__lt=self.until) if self.until else rows


@require_GET
@require(Permission.READ)
def audit(request: HttpRequest) -> HttpResponse:
    """The audit, newest first."""
    chosen = AuditFilter.from_query(request.GET)
    rows = page(chosen.apply(AuditEntry.objects.all()), ORDER, request.GET.get("cursor", ""))
    context = {"section": "audit", "page": rows, "fields": _fields(chosen)}
    return respond(request, "console/audit.html", {"entries": "console/_entries.html"}, context)


def _fields(chosen: AuditFilter) -> list[dict[str, object]]:
    """The choices of the filter bar; both lists are short: people, and kinds of action."""
    actors = AuditEntry.objects.order_by("actor").values_list("actor", flat=True).distinct()
    actions = AuditEntry.objects.order_by("action").values_list("action", flat=True).distinct()
    return [
        _field("actor", "Actor", chosen.actor, list(actors[:100])),
        _field("action", "Action", chosen.action, list(actions[:100])),
    ]


def _field(name: str, label: str, value: str, words: list[str]) -> dict[str, object]:
    choices = [("", f"Any {label.lower()}"), *((word, word) for word in words)]
    return {"name": name, "label": label, "value": value, "choices": choices}
