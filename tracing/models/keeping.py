"""What retention remembers of its own work, and how the store grew."""

from typing import ClassVar

from django.db import models

from kit import clock


class Sweep(models.Model):
    """One walk of retention through a table, oldest first, and what it deleted ever."""

    name = models.CharField(max_length=300, unique=True)  # as in tracing/retention/walks.py
    position = models.BigIntegerField(default=0)  # the row ID up to which it has looked
    began_at = models.DateTimeField(default=clock.now)  # when it last began at the first row
    reach = models.DateTimeField(null=True)  # the newest time of what was deleted
    deleted = models.BigIntegerField(default=0)
    last_at = models.DateTimeField(null=True)  # when it last deleted something

    def __str__(self) -> str:
        return f"{self.name}: {self.deleted} deleted"


class StorageSample(models.Model):
    """How large the store was at one time; about one an hour."""

    at = models.DateTimeField(default=clock.now)
    used_bytes = models.BigIntegerField()
    file_bytes = models.BigIntegerField()
    tables = models.JSONField(default=dict)  # table -> [rows, bytes], both estimated
    oldest_at = models.DateTimeField(null=True)  # when the oldest event came in

    class Meta:
        indexes: ClassVar = [
            # the newest, and those of a day ago
            models.Index(fields=["-at"], name="storagesample_at"),
        ]

    def __str__(self) -> str:
        return f"{self.used_bytes} bytes at {self.at:%Y-%m-%d %H:%M}"
