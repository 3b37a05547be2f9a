"""The one permission table: what each role and each token scope may do."""

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kit.models import ApiToken, User


class Permission(StrEnum):
    """One thing a person or a token may do."""

    READ = "read"
    INGEST = "ingest"
    PIN = "pin"
    EDIT = "edit"
    TRIAGE = "triage"  # acknowledge, assign, mute, resolve a group
    REPLAY = "replay"
    DISCARD = "discard"
    RELEASE = "release"  # send again what earlier replays did not mend
    INCIDENT = "incident"
    ADMIN = "admin"


class Role(StrEnum):
    """A person's role; each includes the one before."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


class Scope(StrEnum):
    """A token's scope (DESIGN, contract); a token has one or several."""

    INGEST = "ingest"
    READ = "read"
    OPERATE = "operate"
    ADMIN = "admin"


_READ = frozenset({Permission.READ})
_OPERATE = _READ | {
    Permission.PIN,
    Permission.EDIT,
    Permission.TRIAGE,
    Permission.REPLAY,
    Permission.DISCARD,
    Permission.INCIDENT,
}
ROLES: dict[str, frozenset[Permission]] = {
    Role.VIEWER: _READ,
    Role.OPERATOR: _OPERATE,
    Role.ADMIN: frozenset(Permission),
}
SCOPES: dict[str, frozenset[Permission]] = {
    Scope.INGEST: frozenset({Permission.INGEST}),
    Scope.READ: _READ,
    Scope.OPERATE: _OPERATE,
    Scope.ADMIN: frozenset(Permission),
}


def user_may(user: "User", permission: Permission) -> bool:
    """Whether this person may do this; an inactive one may do nothing."""
    return user.is_active and permission in ROLES.get(user.role, frozenset())


def token_may(token: "ApiToken", permission: Permission) -> bool:
    """Whether one of the token's scopes allows this."""
    return any(permission in SCOPES.get(scope, frozenset()) for scope in token.scopes)
