"""Log-ins and lock-outs are written in the audit, whichever way they came."""

from typing import Any

from axes.signals import user_locked_out
from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from kit import audit, clock
from kit.models import AuditEntry, User


@receiver(user_logged_in)
def logged_in(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Note who came in."""
    audit.record(
        actor=user.username,
        user=user,
        action="logged in",
        target_kind="person",
        target_id=user.pk,
        summary="logged in",
    )


@receiver(user_locked_out)
def locked_out(sender: Any, request: HttpRequest, username: str, **kwargs: Any) -> None:
    """Note that somebody guessed; once a lock-out, though the signal comes with every try."""
    since = clock.now() - settings.AXES_COOLOFF_TIME
    noted = AuditEntry.objects.filter(target_kind="person", target_id=username[:80])
    if noted.filter(action="locked out", at__gte=since).exists():
        return
    audit.record(
        actor="nobody",
        user=None,
        action="locked out",
        target_kind="person",
        target_id=username,
        summary=f"{username[:150]} is locked out for a while: too many wrong passwords",
    )
