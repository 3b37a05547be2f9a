"""How far behind every consumer is, sampled; lag/sampler.py is the only writer."""

from typing import ClassVar

from django.db import models


class Snapshot(models.Model):
    """One round of sampling of one broker, whether it succeeded or not."""

    broker = models.CharField(max_length=64)
    at = models.DateTimeField()
    took_ms = models.FloatField()
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["broker", "-at"], name="snapshot_latest")]

    def __str__(self) -> str:
        return f"{self.broker} {self.at:%H:%M:%S}"


class Position(models.Model):
    """The present state of one consumer on one stream; one row each, overwritten a round."""

    broker = models.CharField(max_length=64)
    stream = models.CharField(max_length=255)
    topic = models.CharField(max_length=255)
    consumer = models.CharField(max_length=255)
    sampled_at = models.DateTimeField()
    messages = models.BigIntegerField(null=True)  # null: unknown, `reason` says why
    method = models.CharField(max_length=12)  # exact, bounded, unknown
    cursor = models.CharField(max_length=64, blank=True)
    head = models.CharField(max_length=64, blank=True)
    oldest_s = models.FloatField(null=True)  # age of the oldest undelivered or pending, seconds
    pending = models.BigIntegerField(null=True)
    processes = models.IntegerField(null=True)
    lost = models.BigIntegerField(null=True)  # trimmed undelivered, at least
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["broker", "stream", "consumer"], name="position_consumer_stream"
            )
        ]

    def __str__(self) -> str:
        return f"{self.consumer} on {self.stream}"


class Standing(models.Model):
    """The present verdict on one consumer over all its streams; overwritten a round."""

    broker = models.CharField(max_length=64)
    consumer = models.CharField(max_length=255)
    sampled_at = models.DateTimeField()
    verdict = models.CharField(max_length=16)
    reason = models.CharField(max_length=300)
    since = models.DateTimeField()  # of this verdict
    messages = models.BigIntegerField(null=True)
    method = models.CharField(max_length=12)
    oldest_s = models.FloatField(null=True)
    pending = models.BigIntegerField(null=True)
    processes = models.IntegerField(null=True)
    drain_s = models.FloatField(null=True)  # null with falling_behind means never

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["broker", "consumer"], name="standing_consumer")
        ]

    def __str__(self) -> str:
        return f"{self.consumer} {self.verdict}"


class Sample(models.Model):
    """One point of a consumer's history, summed over its streams; pruned after a day."""

    broker = models.CharField(max_length=64)
    consumer = models.CharField(max_length=255)
    at = models.DateTimeField()
    messages = models.BigIntegerField(null=True)
    oldest_s = models.FloatField(null=True)
    pending = models.BigIntegerField(null=True)
    delivered = models.BigIntegerField(null=True)  # entries read in all, when known

    class Meta:
        indexes: ClassVar = [
            # a sparkline, and the window a verdict looks at
            models.Index(fields=["broker", "consumer", "-at"], name="sample_history"),
            # pruning
            models.Index(fields=["at"], name="sample_at"),
        ]

    def __str__(self) -> str:
        return f"{self.consumer} {self.at:%H:%M:%S} {self.messages}"


class Depth(models.Model):
    """The present depth of one dead-letter queue on the broker; overwritten a round."""

    broker = models.CharField(max_length=64)
    stream = models.CharField(max_length=255)
    consumer = models.CharField(max_length=255, blank=True)
    sampled_at = models.DateTimeField()
    messages = models.BigIntegerField(null=True)
    oldest_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["broker", "stream"], name="depth_stream")
        ]

    def __str__(self) -> str:
        return f"{self.stream} {self.messages}"
