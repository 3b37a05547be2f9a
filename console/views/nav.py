"""The counts in the sidebar, polled by every page."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from kit.live import respond
from kit.permissions import Permission
from kit.security import require

_TEMPLATE = "kit/_nav_counts.html"


@require_GET
@require(Permission.READ)
def counts(request: HttpRequest) -> HttpResponse:
    """The two counts as out-of-band parts; 304 while they stay."""
    return respond(request, _TEMPLATE, {"nav-counts": _TEMPLATE}, {})
