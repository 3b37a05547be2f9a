"""What the pages of dead letters share."""

from typing import Any

from django.http import HttpRequest

from kit.models import User
from kit.permissions import Permission, user_may


def rights(request: HttpRequest) -> dict[str, bool]:
    """What the person may do: `may_edit`, `may_triage`, `may_replay`, `may_discard`."""
    user = request.user
    known = isinstance(user, User)
    return {
        f"may_{permission.value}": known and user_may(user, permission)  # type: ignore[arg-type]
        for permission in (
            *(Permission.EDIT, Permission.TRIAGE, Permission.REPLAY, Permission.DISCARD),
        )
    }


def field(
    name: str, label: str, value: str, choices: tuple[tuple[str, str], ...]
) -> dict[str, Any]:
    """One select of the filter bar."""
    return {"name": name, "label": label, "value": value, "choices": choices}
