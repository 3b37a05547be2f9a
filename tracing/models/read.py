"""How far observed brokers were read. Only tracing/cursors.py writes here."""

from typing import ClassVar

from django.db import models

from kit import clock


class Watch(models.Model):
    """A broker whose events are read, and which tap process reads it; cursors.py writes it."""

    broker = models.CharField(max_length=64, unique=True)
    start = models.CharField(max_length=32, blank=True)  # as it was configured (brokers/start.py)
    began_at = models.DateTimeField(default=clock.now)  # all that came since then is read
    process = models.CharField(max_length=255, blank=True)
    held_until = models.DateTimeField()  # then another process may take it over
    looked_to = models.BigIntegerField(default=0)  # rows of events, by their number (passed.py)

    def __str__(self) -> str:
        return f"{self.broker} by {self.process}"


class Cursor(models.Model):
    """How far a stream was read that is read without a consumer group; cursors.py writes it."""

    broker = models.CharField(max_length=64)
    stream = models.CharField(max_length=255)
    position = models.CharField(max_length=64)  # of the last entry that is stored
    started = models.CharField(max_length=64)  # what came up to this was not read
    left_out = models.BigIntegerField(null=True)  # entries before the start; null: some, uncounted
    since = models.DateTimeField(null=True)  # time of the oldest read; null: all, or unknown
    added = models.BigIntegerField(null=True)  # entries ever added up to the position, if counted
    lost = models.BigIntegerField(default=0)  # trimmed before they were read, at least
    noticed = models.CharField(max_length=200, blank=True)  # the last thing odd about the stream
    noticed_at = models.DateTimeField(null=True)
    began_at = models.DateTimeField(default=clock.now)
    read_at = models.DateTimeField(default=clock.now)  # when the cursor last moved

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["broker", "stream"], name="cursor_stream")
        ]

    def __str__(self) -> str:
        return f"{self.broker}/{self.stream} {self.position}"


class Passed(models.Model):
    """How far a consumer that sends no receipts was followed on a stream; passed.py writes it."""

    broker = models.CharField(max_length=64)
    stream = models.CharField(max_length=255)
    consumer = models.CharField(max_length=255)
    event_id = models.BigIntegerField()  # row up to which it has passed every event
    seen_to = models.BigIntegerField()  # row up to which every event was looked at
    waits_at = models.CharField(max_length=64, blank=True)  # its cursor, if the next is ahead of it

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["broker", "stream", "consumer"], name="passed_consumer_stream"
            )
        ]

    def __str__(self) -> str:
        return f"{self.consumer} on {self.stream}: {self.event_id}"
