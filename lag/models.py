"""How far behind every consumer is, sampled; lag/sampler.py is the only writer.

In all rows null is "unknown"; an age of 0 is "nothing waits".
"""

from typing import ClassVar

from django.db import models


class Snapshot(models.Model):
    """The last round of sampling of one broker, whether it succeeded or not."""

    broker = models.CharField(max_length=64, unique=True)
    at = models.DateTimeField()  # when it was last tried
    sampled_at = models.DateTimeField(null=True)  # when it last succeeded: the numbers' age
    took_ms = models.FloatField(default=0)
    error = models.CharField(max_length=300, blank=True)
    failing_since = models.DateTimeField(null=True)
    note = models.CharField(max_length=300, blank=True)  # what discovery left out

    def __str__(self) -> str:
        return f"{self.broker} {self.at:%H:%M:%S}"


class Stream(models.Model):
    """The present state of one stream; one row each, overwritten a round."""

    broker = models.CharField(max_length=64)
    stream = models.CharField(max_length=255)
    topic = models.CharField(max_length=255)
    role = models.CharField(max_length=16)  # brokers.contract.Role
    sampled_at = models.DateTimeField()
    length = models.BigIntegerField()
    first = models.CharField(max_length=64, blank=True)
    head = models.CharField(max_length=64, blank=True)
    first_at = models.DateTimeField(null=True)  # the broker's time of the first entry kept
    added = models.BigIntegerField(null=True)  # entries ever added, where the broker counts
    arrived = models.BigIntegerField(default=0)  # entries added since we look
    whole = models.BooleanField(default=False)  # nothing was missed since the round before

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["broker", "stream"], name="stream_name")
        ]

    def __str__(self) -> str:
        return f"{self.stream} {self.length}"


class Position(models.Model):
    """The present state of one consumer on one stream; one row each, overwritten a round."""

    broker = models.CharField(max_length=64)
    stream = models.CharField(max_length=255)
    topic = models.CharField(max_length=255)
    consumer = models.CharField(max_length=255)
    sampled_at = models.DateTimeField()
    messages = models.BigIntegerField(null=True)  # undelivered
    method = models.CharField(max_length=12)  # exact, bounded, unknown
    cursor = models.CharField(max_length=64, blank=True)
    highest = models.CharField(max_length=64, blank=True)  # the furthest cursor seen
    head = models.CharField(max_length=64, blank=True)
    oldest_s = models.FloatField(null=True)  # age of the oldest undelivered
    oldest_pending_s = models.FloatField(null=True)  # age of the oldest delivered, not handled
    pending = models.BigIntegerField(null=True)
    processes = models.IntegerField(null=True)
    lost = models.BigIntegerField(null=True)  # trimmed undelivered, at least
    payload_lost = models.BigIntegerField(default=0)  # pending without an entry, at least
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
    """The present verdict on one consumer of one topic, over its streams; overwritten a round."""

    broker = models.CharField(max_length=64)
    topic = models.CharField(max_length=255)
    consumer = models.CharField(max_length=255)
    sampled_at = models.DateTimeField()
    verdict = models.CharField(max_length=16)
    reason = models.CharField(max_length=300)
    rule = models.CharField(max_length=300, blank=True)  # the numbers the verdict rests on
    since = models.DateTimeField()  # of this verdict
    messages = models.BigIntegerField(null=True)
    method = models.CharField(max_length=12)
    oldest_s = models.FloatField(null=True)  # of the oldest not handled: undelivered or pending
    pending = models.BigIntegerField(null=True)
    oldest_pending_s = models.FloatField(null=True)
    processes = models.IntegerField(null=True)
    members = models.JSONField(default=list)  # [{name, idle_s, pending}]
    streams = models.IntegerField(default=1)
    lost = models.BigIntegerField(null=True)
    payload_lost = models.BigIntegerField(default=0)
    in_per_min = models.FloatField(null=True)
    out_per_min = models.FloatField(null=True)
    drain_s = models.FloatField(null=True)  # null with falling_behind means never
    moved_at = models.DateTimeField()  # when it last took or finished anything
    trail = models.JSONField(default=dict)  # the last hour of oldest_s (lag/trail.py)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["broker", "topic", "consumer"], name="standing_consumer"
            )
        ]

    def __str__(self) -> str:
        return f"{self.consumer} on {self.topic}: {self.verdict}"


class Sample(models.Model):
    """One point of a consumer's history on one topic, summed over its streams.

    Every round's for an hour, one a minute for a day.
    """

    broker = models.CharField(max_length=64)
    topic = models.CharField(max_length=255)
    consumer = models.CharField(max_length=255)
    at = models.DateTimeField()
    minute = models.BooleanField(default=False)  # the first of its minute
    messages = models.BigIntegerField(null=True)
    oldest_s = models.FloatField(null=True)
    pending = models.BigIntegerField(null=True)
    arrived = models.BigIntegerField(null=True)  # entries added since we look
    handled = models.BigIntegerField(null=True)  # of these, those that no longer wait

    class Meta:
        indexes: ClassVar = [
            # the history of one consumer
            models.Index(fields=["broker", "consumer", "topic", "-at"], name="sample_history"),
            # the window all verdicts look at
            models.Index(fields=["broker", "at"], name="sample_window"),
            # pruning: the fine ones first, then all
            models.Index(fields=["minute", "at"], name="sample_prune"),
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


class Exposition(models.Model):
    """What /metrics answers, rendered once a round (lag/metrics.py); one row."""

    rendered_at = models.DateTimeField()
    body = models.TextField()

    def __str__(self) -> str:
        return f"{self.rendered_at:%H:%M:%S} {len(self.body)} characters"
