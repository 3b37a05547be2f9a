"""People, one-time login links, and the demo's API token."""

from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.urls import reverse

from kit.models import ApiToken, User
from kit.permissions import Role, Scope
from kit.writes import writing

DEMO_NAME = "on-call"


class LoginLinkGenerator(PasswordResetTokenGenerator):
    """Django's own generator: a link dies with the first login, since that changes last_login.

    It lives for PASSWORD_RESET_TIMEOUT seconds.
    """

    key_salt = "console.people.LoginLinkGenerator"


links = LoginLinkGenerator()


def person(name: str, role: Role | None = None) -> User:
    """The person of this name; made without a password if there is none, as an admin by default.

    A `role` that is given is set.
    """
    with writing():
        first = {"role": (role or Role.ADMIN).value}
        user, new = User.objects.get_or_create(username=name, defaults=first)
        if new:
            user.set_unusable_password()
            user.save(update_fields=["password"])
        elif role is not None and user.role != role.value:
            user.role = role.value
            user.save(update_fields=["role"])
    return user


def login_link(user: User) -> str:
    """An address that logs this person in, once."""
    path = reverse("console:login_link", args=[user.pk, links.make_token(user)])
    return settings.PUBLIC_URL.rstrip("/") + path


def demo_token(user: User) -> str:
    """A token with every scope but admin, for trying out the API."""
    scopes = [Scope.INGEST.value, Scope.READ.value, Scope.OPERATE.value]
    return ApiToken.issue(user, "demo", scopes)[1]


def is_valid(token: str) -> bool:
    """Whether this token still opens the API."""
    return ApiToken.find(token) is not None
