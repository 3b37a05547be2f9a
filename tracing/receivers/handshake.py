"""The webhook handshake of CloudEvents (HTTP 1.1 Web Hooks, section 4): who may deliver here."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from kit import limits
from kit.http import Problem

METHODS = "OPTIONS, POST"
ANY = "*"


def handshake(request: HttpRequest) -> HttpResponse:
    """Answer OPTIONS: an origin on the list (WEBHOOK_ORIGINS) is granted, another is 403.

    Deliveries need a token all the same. Without an origin it is the methods that are asked for.
    """
    origin = request.headers.get("WebHook-Request-Origin", "").strip().lower()
    response = HttpResponse(status=204, headers={"Allow": METHODS})
    if not origin:
        return response
    allowed = settings.WEBHOOK_ORIGINS
    if ANY not in allowed and origin not in allowed:
        detail = "this origin is not in WEBHOOK_ORIGINS"
        raise Problem(403, "Origin not allowed", detail, headers={"Allow": METHODS})
    response["WebHook-Allowed-Origin"] = ANY if ANY in allowed else origin
    response["WebHook-Allowed-Rate"] = _per_minute()
    return response


def _per_minute() -> str:
    """Requests a minute, as the specification counts; `*` is no limit."""
    rate = limits.intake.events_per_s
    return str(max(1, int(rate * 60))) if rate else ANY
