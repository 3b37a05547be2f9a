"""A page of the shell with nothing of a feature in it: one live region, one editor."""

import itertools
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from kit.live import respond

RIGHT = '{"order_id": "4711", "currency": "EUR"}'
BEFORE = '{"order_id": "4711"}'
# what the test changes between two polls
world: dict[str, Any] = {"letters": 3, "fails": False, "nav": {"lag": 1, "dead_letters": 228}}
asked = itertools.count()


@login_not_required
def page(request: HttpRequest, **_: object) -> HttpResponse:
    """The page, its region, or a failure."""
    next(asked)
    if world["fails"] and "HX-Request" in request.headers:
        return HttpResponse("broken", status=500)
    letters = [f"letter-{number}" for number in range(world["letters"])]
    context = {"section": "letters", "nav": world["nav"], "letters": letters}
    editor = {"payload": RIGHT, "original": BEFORE}
    return respond(request, "page.html", {"letters": "_letters.html"}, {**context, **editor})


@login_not_required
def nav(request: HttpRequest) -> HttpResponse:
    """The sidebar's counts."""
    template = "kit/_nav_counts.html"
    return respond(request, template, {"nav-counts": template}, {"nav": world["nav"]})


def _app(name: str, *pages: str) -> Any:
    found = [path(f"{name}/{word}", page, name=word) for word in pages]
    return include((found, name))


_console = [
    path("", page, name="overview"),
    path("nav", nav, name="nav"),
    path("login", page, name="login"),
    path("logout", page, name="logout"),
]
urlpatterns = [
    path("", include((_console, "console"))),
    path("", _app("tracing", "orders")),
    path("", _app("dlq", "groups", "replays")),
]
