"""The permission table, at both doors."""

from datetime import timedelta

import pytest

from kit import clock
from kit.models import ApiToken, User
from kit.permissions import Permission, Role, token_may, user_may

READ = {Permission.READ}
OPERATE = READ | {
    Permission.PIN,
    Permission.EDIT,
    Permission.TRIAGE,
    Permission.REPLAY,
    Permission.DISCARD,
    Permission.INCIDENT,
}


@pytest.mark.parametrize(
    ("role", "allowed"),
    [(Role.VIEWER, READ), (Role.OPERATOR, OPERATE), (Role.ADMIN, set(Permission))],
)
def test_roles(role: Role, allowed: set[Permission]) -> None:
    user = User(username="u", role=role.value)
    assert {one for one in Permission if user_may(user, one)} == allowed
    user.is_active = False
    assert not any(user_may(user, one) for one in Permission)


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [
        ([], set()),
        (["ingest"], {Permission.INGEST}),
        (["read"], READ),
        (["operate"], OPERATE),
        (["ingest", "read"], READ | {Permission.INGEST}),
        (["admin"], set(Permission)),
        (["no such scope"], set()),
    ],
)
def test_scopes(scopes: list[str], allowed: set[Permission]) -> None:
    token = ApiToken(scopes=scopes)
    assert {one for one in Permission if token_may(token, one)} == allowed


@pytest.mark.django_db
def test_a_token_is_found_by_itself_only_and_not_kept() -> None:
    user = User.objects.create(username="u")
    row, token = ApiToken.issue(user, "ci", ["read"])
    assert ApiToken.find(token) == row
    assert ApiToken.find(token + "x") is None
    assert token not in str(ApiToken.objects.values().get())
    _, old = ApiToken.issue(user, "old", ["read"], lifetime=timedelta(seconds=-1))
    assert ApiToken.find(old) is None
    user.is_active = False
    user.save()
    assert ApiToken.find(token) is None
    assert clock.now().tzinfo is not None
