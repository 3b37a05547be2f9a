"""Tokens that were asked for lately, so that a sender of many requests costs no query for each.

A token that is taken back is refused at once by the process that did it, by others within KEPT_S.
"""

import time

from django.db.models.signals import post_delete, post_save

from kit import clock
from kit.models import ApiToken, User

KEPT_S = 5.0
KEPT = 1_000  # tokens; beyond, all are asked for anew
_known: dict[str, tuple[float, ApiToken]] = {}  # by digest: until when, and the row with its user


def find(token: str) -> ApiToken | None:
    """The valid token's row, with its user, or None; what is no token is asked for each time."""
    digest = ApiToken.hashed(token)
    known = _known.get(digest)
    if known and time.monotonic() < known[0]:
        row = known[1]
        return row if row.expires_at is None or row.expires_at > clock.now() else None
    found = ApiToken.find(token)
    if found is None:
        _known.pop(digest, None)
        return None
    if len(_known) >= KEPT:
        _known.clear()
    _known[digest] = time.monotonic() + KEPT_S, found
    return found


def forget(**_: object) -> None:
    """Ask anew: a token or a person was changed."""
    _known.clear()


for _model in (ApiToken, User):
    post_save.connect(forget, sender=_model, dispatch_uid="tokens")
    post_delete.connect(forget, sender=_model, dispatch_uid="tokens")
