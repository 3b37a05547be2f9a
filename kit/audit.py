"""The one way to write the audit."""

from typing import Any

from kit.models import AuditEntry, User


def record(
    *,
    actor: str,
    user: User | None,
    action: str,
    target_kind: str,
    target_id: str | int,
    summary: str,
    reason: str = "",
    changes: dict[str, Any] | None = None,
) -> AuditEntry:
    """Note what was done, in the caller's transaction.

    `changes` holds digests, changed paths and a redacted diff, never the values (promise 9).
    """
    return AuditEntry.objects.create(
        actor=actor[:150],
        user=user,
        action=action,
        target_kind=target_kind,
        target_id=str(target_id)[:80],
        summary=summary[:300],
        reason=reason,
        changes=changes or {},
    )
