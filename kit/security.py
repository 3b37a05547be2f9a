"""Who is asking, and whether they may: the only place that looks at the permission table."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, Protocol, TypeVar, cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from ninja.security import APIKeyCookie, HttpBearer
from ninja.security.base import AuthBase

from kit import clock, tokens
from kit.http import Problem
from kit.models import ApiToken, User
from kit.permissions import Permission, token_may, user_may

SEEN_EVERY = timedelta(minutes=1)  # how fine `last_used_at` is: not a write a request


class Actor(Protocol):
    """A request after authentication: who acts, as it is written in the audit."""

    actor: str
    person: User | None


V = TypeVar("V", bound=Callable[..., HttpResponseBase])


def require(permission: Permission) -> Callable[[V], V]:
    """A view for people who may do this; others see the 403 page (log in comes before it)."""

    def wrap(view: V) -> V:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            allow(request, permission)
            return view(request, *args, **kwargs)

        return cast(V, guarded)

    return wrap


def allow(request: HttpRequest, permission: Permission) -> None:
    """Raises PermissionDenied unless the person logged in may do this."""
    user = request.user
    if not isinstance(user, User) or not user_may(user, permission):
        raise PermissionDenied(f"your role does not allow to {permission}")
    _note(request, user.username, user)


def person(request: HttpRequest) -> User:
    """The person behind a request that `allow` or an API authentication let through."""
    found: User | None = getattr(request, "person", None)
    if found is None:
        raise PermissionDenied("nobody is logged in")
    return found


def actor(request: HttpRequest) -> str:
    """The name the audit bears: the person, or the token and its owner."""
    return str(getattr(request, "actor", "nobody"))


def may(request: HttpRequest, permission: Permission) -> bool:
    """Whether whoever asks may do this too, beyond what the view asks for."""
    known = getattr(request, "auth", None)
    if isinstance(known, ApiToken):
        return token_may(known, permission)
    return isinstance(request.user, User) and user_may(request.user, permission)


class Bearer(HttpBearer):
    """A bearer token with a scope that allows `permission`; nothing else is accepted."""

    def __init__(self, permission: Permission) -> None:
        super().__init__()
        self.permission = permission

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken | None:
        """The token's row; None is 401, Problem 403 when its scopes do not allow this."""
        row = tokens.find(token)
        if row is None:
            return None
        if not token_may(row, self.permission):
            raise Problem(403, "Not allowed", f"the token has no scope that may {self.permission}")
        _touch(row)
        _note(request, f"{row.user.username} ({row.name})", row.user)
        return row


class Session(APIKeyCookie):
    """The session of a person who may do this; CSRF is checked for what changes something."""

    param_name = "sessionid"

    def __init__(self, permission: Permission) -> None:
        super().__init__(csrf=True)
        self.permission = permission

    def authenticate(self, request: HttpRequest, key: str | None) -> User | None:
        """The person; None is 401, Problem 403 when their role does not allow this."""
        user = request.user
        if not isinstance(user, User):
            return None
        if not user_may(user, self.permission):
            raise Problem(403, "Not allowed", f"your role may not {self.permission}")
        _note(request, user.username, user)
        return user


class BearerOrSession(AuthBase):
    """A token if the request bears one, else the browser's session.

    One after the other in ninja's list would answer a missing token with a CSRF page.
    """

    openapi_type = "http"
    openapi_scheme = "bearer"

    def __init__(self, permission: Permission) -> None:
        self._bearer = Bearer(permission)
        self._session = Session(permission)
        super().__init__()

    def __call__(self, request: HttpRequest) -> Any:
        """The token's row or the person, or None for 401."""
        if "Authorization" in request.headers:
            return self._bearer(request)
        if self._session.param_name in request.COOKIES:
            return self._session(request)
        return None


def _note(request: HttpRequest, name: str, user: User) -> None:
    noted = cast(Actor, request)
    noted.actor = name
    noted.person = user


def _touch(row: ApiToken) -> None:
    now = clock.now()
    if row.last_used_at is None or now - row.last_used_at > SEEN_EVERY:
        ApiToken.objects.filter(pk=row.pk).update(last_used_at=now)
        row.last_used_at = now
