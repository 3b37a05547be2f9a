"""Logging in and out."""

from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from console.people import links
from kit.models import User


@login_not_required
@never_cache
@require_GET
def login_link(request: HttpRequest, user_id: int, token: str) -> HttpResponse:
    """Log the person in whose link this is; a used or old link explains itself."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None or not links.check_token(user, token):
        context = {"login_url": reverse("console:login")}
        return render(request, "console/link_used.html", context, status=410)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect("console:overview")
