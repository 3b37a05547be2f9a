"""People, tokens, the audit, and when which release of what went out."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models

from kit import clock
from kit.permissions import Permission, Role, user_may

TOKEN_PREFIX = "cct_"  # noqa: S105  # what makes a leaked token searchable


class User(AbstractUser):
    """A person; the role says what they may do (kit/permissions.py)."""

    role = models.CharField(
        max_length=16, choices=[(role.value, role.value) for role in Role], default=Role.VIEWER
    )

    def may(self, permission: str) -> bool:
        """Whether this person may do this; a word that is no permission raises ValueError."""
        return user_may(self, Permission(permission))


class ApiToken(models.Model):
    """A bearer token; only its SHA-256 is kept, the token itself is shown once."""

    name = models.CharField(max_length=80)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    digest = models.CharField(max_length=64, unique=True)  # looked up on every API request
    hint = models.CharField(max_length=12)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"

    @staticmethod
    def hashed(token: str) -> str:
        """The digest a token is kept and found under."""
        return hashlib.sha256(token.encode()).hexdigest()

    @classmethod
    def issue(
        cls, user: User, name: str, scopes: list[str], lifetime: timedelta | None = None
    ) -> tuple["ApiToken", str]:
        """A new token's row and the token itself, which is not kept."""
        token = TOKEN_PREFIX + secrets.token_urlsafe(32)
        row = cls.objects.create(
            name=name,
            user=user,
            digest=cls.hashed(token),
            hint=token[:8],
            scopes=scopes,
            expires_at=clock.now() + lifetime if lifetime else None,
        )
        return row, token

    @classmethod
    def find(cls, token: str) -> "ApiToken | None":
        """The valid token's row, with its user, or None."""
        row = cls.objects.select_related("user").filter(digest=cls.hashed(token)).first()
        if row is None or not row.user.is_active:
            return None
        return None if row.expires_at and row.expires_at <= clock.now() else row


class AuditEntry(models.Model):
    """One thing a person or a machine did. Append-only: digests and changed paths, no values."""

    at = models.DateTimeField(default=clock.now)
    actor = models.CharField(max_length=150)
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL)
    action = models.CharField(max_length=40)
    target_kind = models.CharField(max_length=40)
    target_id = models.CharField(max_length=80)
    summary = models.CharField(max_length=300)
    reason = models.TextField(blank=True)
    changes = models.JSONField(default=dict)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            # the audit of one thing, newest first
            models.Index(fields=["target_kind", "target_id", "-id"], name="audit_target"),
        ]

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.target_kind} {self.target_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert only; raises TypeError on a second save."""
        if self.pk is not None:
            raise TypeError("the audit is append-only")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Never; raises TypeError."""
        raise TypeError("the audit is append-only")


class Deployment(models.Model):
    """A release of a service went out: drawn on every time axis (kit/deployments.py)."""

    service = models.CharField(max_length=255)  # as its consumer is called
    release = models.CharField(max_length=80)
    at = models.DateTimeField()
    actor = models.CharField(max_length=150)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints: ClassVar = [
            # said twice it is one
            models.UniqueConstraint(fields=["service", "release", "at"], name="deployment_said")
        ]
        indexes: ClassVar = [
            # those of a stretch of time, newest first
            models.Index(fields=["-at", "-id"], name="deployment_at"),
            # the last one of a service before a moment
            models.Index(fields=["service", "-at"], name="deployment_service"),
        ]

    def __str__(self) -> str:
        return f"{self.service} {self.release}"
