"""What people set up in the console itself."""

from typing import ClassVar

from django.db import models

from kit import clock


class StreamMapping(models.Model):
    """A mapping saved in Settings; those of console.toml come before it (console/mappings)."""

    broker = models.CharField(max_length=64)
    stream = models.CharField(max_length=255)  # a glob
    places = models.JSONField(default=dict)  # brokers.config.PLACES -> place
    keys = models.JSONField(default=dict)  # kind of key -> place
    saved_by = models.CharField(max_length=150)
    saved_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["broker", "stream"], name="mapping_stream")
        ]

    def __str__(self) -> str:
        return f"{self.broker}/{self.stream}"
