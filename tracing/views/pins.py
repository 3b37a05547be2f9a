"""Pinning an order from its page."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from kit.permissions import Permission
from kit.security import actor, person, require
from tracing import pins
from tracing.models import Flow


@require_POST
@require(Permission.PIN)
def pin(request: HttpRequest) -> HttpResponse:
    """`flow` is pinned when `pinned` is 1, else unpinned."""
    flow_id, wanted = request.POST.get("flow", ""), request.POST.get("pinned") == "1"
    change = pins.pin if wanted else pins.unpin
    try:
        change(flow_id, actor=actor(request), user=person(request))
    except Flow.DoesNotExist:
        raise Http404("nothing was seen of this order") from None
    except pins.PinsFullError as error:
        messages.error(request, f"{error}.")
    else:
        kept = "Retention leaves this order whole." if wanted else "Retention may cut this order."
        messages.success(request, kept)
    return redirect("tracing:cascade", flow_id)
