"""Who must log in: everyone on a page; the API asks for itself."""

from typing import Any

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponseBase

API = "/api/"


class LoginOnPages(LoginRequiredMiddleware):
    """Django's, less the API: each operation there names its permission and answers 401."""

    def process_view(
        self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        """None lets the view answer, anything else is the way to the login."""
        if request.path_info.startswith(API):
            return None
        return super().process_view(request, view_func, view_args, view_kwargs)
