"""What an operator says of a group. POST only, all audited."""

import re
from datetime import timedelta

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from dlq import queries
from dlq.bodies import Said
from dlq.group_api import said
from dlq.lifecycle import Who
from dlq.refusals import Refused
from kit import clock
from kit.permissions import Permission
from kit.security import actor, person, require

VERBS = ("acknowledge", "assign", "mute", "resolve", "reopen")
UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1)}
_TIME = re.compile(r"(\d{1,3})([hd])")


@require_POST
@require(Permission.TRIAGE)
def say(request: HttpRequest, group_id: int, verb: str) -> HttpResponse:
    """Acknowledge, assign, mute, resolve or reopen; back to the group."""
    group = queries.group(group_id)
    if group is None or verb not in VERBS:
        raise Http404("no such group, or nothing that can be said of it")
    who = Who(actor(request), person(request), request.POST.get("reason", "")[:500])
    try:
        said(group, verb, _body(request), who)
    except Refused as error:
        messages.error(request, f"{error.title}. {error.detail}".strip())
    return redirect("dlq:group", group_id)


def _body(request: HttpRequest) -> Said:
    """`mute` is a length of time (`8h`) or a number of further letters (`100`)."""
    mute = request.POST.get("mute", "")
    time = _TIME.fullmatch(mute)
    return Said(
        to=request.POST.get("to", "")[:150],
        until=clock.now() + int(time[1]) * UNITS[time[2]] if time else None,
        volume=int(mute) if mute.isascii() and mute.isdigit() and 0 < len(mute) < 8 else None,
        release=request.POST.get("release", "")[:80],
    )
