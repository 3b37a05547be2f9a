"""The demo's switches: an incident on, or its fix deployed."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from console import demo
from kit import audit
from kit.permissions import Permission
from kit.security import actor, person, require


@require_POST
@require(Permission.INCIDENT)
def incident(request: HttpRequest) -> HttpResponse:
    """Switch one incident and go back to the page that asked."""
    name, on = request.POST.get("name", ""), request.POST.get("on") == "true"
    if not settings.DEMO or name not in demo.INCIDENTS:
        raise Http404("no such incident")
    demo.switch(name, on)
    demo.note_deployment(name, on, actor=actor(request), user=person(request))
    audit.record(
        actor=actor(request),
        user=person(request),
        action="incident on" if on else "fix deployed",
        target_kind="incident",
        target_id=name,
        summary=demo.INCIDENTS[name].started if on else demo.INCIDENTS[name].fixed,
    )
    back = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
    return redirect(back if safe else "console:overview")
