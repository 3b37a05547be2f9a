"""Who must log in: everyone on a page; the API asks for itself. Machines that send go first."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import resolve

API = "/api/"
Answer = Callable[[HttpRequest], HttpResponseBase]


class SendersFirst:
    """What posts events and spans goes past sessions, CSRF, CSP and messages, made for pages.

    These views ask for a token themselves, and a token is all they look at.
    """

    def __init__(self, get_response: Answer) -> None:
        self._get_response = get_response
        self._paths = frozenset(settings.SENDERS_PATHS)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The view's answer for a sender, else that of the next middleware."""
        if request.path_info not in self._paths:
            return self._get_response(request)
        request.get_host()  # raises DisallowedHost, as CommonMiddleware does for pages
        found = resolve(request.path_info)
        request.resolver_match = found
        answer: HttpResponse = found.func(request, *found.args, **found.kwargs)
        answer["Content-Length"] = str(len(answer.content))
        return answer


class LoginOnPages(LoginRequiredMiddleware):
    """Django's, less the API: each operation there names its permission and answers 401."""

    def process_view(
        self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        """None lets the view answer, anything else is the way to the login."""
        if request.path_info.startswith(API):
            return None
        return super().process_view(request, view_func, view_args, view_kwargs)
