"""Brokers, people and API tokens."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from brokers import config
from brokers.config import BrokerConfig
from console import observed
from kit import audit, clock
from kit.models import ApiToken, User
from kit.permissions import Permission, Scope
from kit.redaction import mask_text
from kit.security import actor, person, require
from kit.writes import writing
from tracing import cursors


@require_GET
@require(Permission.READ)
def settings_page(request: HttpRequest) -> HttpResponse:
    """What the console observes and who may use it."""
    return render(request, "console/settings.html", _context(request))


@never_cache
@require_POST
@require(Permission.ADMIN)
def issue_token(request: HttpRequest) -> HttpResponse:
    """Make a token and show it, this once."""
    name = request.POST.get("name", "").strip()[:80]
    scopes = [scope for scope in request.POST.getlist("scopes") if scope in set(Scope)]
    if not name or not scopes:
        wrong = "Give the token a name and at least one scope."
        context = {**_context(request), "wrong": wrong}
        return render(request, "console/settings.html", context, status=422)
    with writing():
        row, token = ApiToken.issue(person(request), name, scopes)
        _note(request, "token issued", row, f"token {name} with {', '.join(scopes)}")
    return render(request, "console/settings.html", {**_context(request), "new_token": token})


@require_POST
@require(Permission.ADMIN)
def revoke_token(request: HttpRequest, token_id: int) -> HttpResponse:
    """Remove a token; whoever uses it gets 401 from now on."""
    row = get_object_or_404(ApiToken, pk=token_id)
    with writing():
        _note(request, "token revoked", row, f"token {row.name}")
        row.delete()
    messages.success(request, f"Token {row.name} is revoked.")
    return redirect("console:settings")


def _context(request: HttpRequest) -> dict[str, object]:
    found = config.current()
    return {
        "section": "settings",
        "brokers": _brokers(found.brokers),
        "flows": found.flows,
        "tokens": ApiToken.objects.select_related("user").order_by("name"),
        "people": User.objects.order_by("username"),
        "scopes": list(Scope),
        "may_admin": person(request).may(Permission.ADMIN),
    }


def _brokers(configured: Sequence[BrokerConfig]) -> list[dict[str, Any]]:
    read, now = cursors.summaries(), clock.now()
    return [
        {
            "config": one,
            "url": mask_text(one.url),
            "way": observed.way(one),
            "progress": "" if one.tap else observed.progress(read.get(one.name), now),
            "odd": None if one.tap else read.get(one.name),
        }
        for one in configured
    ]


def _note(request: HttpRequest, action: str, row: ApiToken, summary: str) -> None:
    audit.record(
        actor=actor(request),
        user=person(request),
        action=action,
        target_kind="token",
        target_id=row.pk,
        summary=summary,
    )
