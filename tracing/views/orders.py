"""The list of orders: search, filters, pages."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from kit import clock
from kit.live import respond
from kit.marks import mark
from kit.permissions import Permission
from kit.security import require
from tracing.filters import SPANS, FlowFilter
from tracing.listing import listed
from tracing.queries import event_types
from tracing.summary import Status


@require(Permission.READ)
def orders(request: HttpRequest) -> HttpResponse:
    """Flows, newest first."""
    chosen = FlowFilter.from_query(request.GET)
    found = listed(chosen, request.GET.get("cursor", "")).page
    context = {
        "section": "orders",
        "page": found,
        "chosen": chosen,
        "fields": _fields(chosen),
        "limits": _limits(chosen),
        "now": clock.now(),
        "live": "cursor" not in request.GET,
    }
    return respond(request, "tracing/orders.html", {"orders": "tracing/_orders.html"}, context)


def _fields(chosen: FlowFilter) -> list[dict[str, Any]]:
    statuses = [(status.value, mark(status.value).word) for status in Status]
    types = [(name, name) for name in event_types()]
    spans = [(name, f"Last {words}") for name, (words, _) in SPANS.items()]
    return [
        _field("status", "Status", chosen.status, "Any status", statuses),
        _field("type", "Event type", chosen.type, "Any event", types),
        _field("last", "Time", chosen.last, "Any time", spans),
    ]


def _field(
    name: str, label: str, value: str, every: str, choices: list[tuple[str, str]]
) -> dict[str, Any]:
    return {"name": name, "label": label, "value": value, "choices": [("", every), *choices]}


def _limits(chosen: FlowFilter) -> list[dict[str, Any]]:
    """What is filtered that has no field of its own: shown as tokens that can be taken away."""
    values = (("key", chosen.key), ("since", chosen.since), ("until", chosen.until))
    return [{"name": name, "value": value} for name, value in values if value]
