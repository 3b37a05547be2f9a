"""What was seen. Only store.py, receipts.py, spans.py and the summariser write here.

Rows refer to an event by `identity` (BLAKE2b-128 of source, NUL, id), never by foreign key: so
any row may arrive before any other (promise 10).
"""

from typing import ClassVar

from django.db import models

from kit import clock


class Event(models.Model):
    """What an envelope says happened, stored once, with the appearance that says it (ADR 5)."""

    identity = models.BinaryField(max_length=16, unique=True)
    source = models.CharField(max_length=1024)
    event_id = models.CharField(max_length=1024)
    type = models.CharField(max_length=255)
    subject = models.CharField(max_length=1024, blank=True)
    time = models.DateTimeField(null=True)
    time_text = models.CharField(max_length=64, blank=True)  # as received: keeps nanoseconds
    flow_id = models.CharField(max_length=255)
    causes = models.JSONField(default=list)  # event IDs, causationid first
    partition_key = models.CharField(max_length=255, blank=True)
    sequence = models.CharField(max_length=255, blank=True)
    traceparent = models.CharField(max_length=128, blank=True)
    dataschema = models.CharField(max_length=1024, blank=True)
    content_type = models.CharField(max_length=255, blank=True)
    data = models.BinaryField(null=True)  # a large one is a Payload (tracing/bodies.py)
    size = models.IntegerField(default=0)  # bytes of the body as it came
    body_hash = models.BinaryField(max_length=16)
    attributes = models.JSONField(default=dict)  # further extensions
    headers = models.JSONField(default=dict)  # transport headers that are no attribute
    topic = models.CharField(max_length=255, blank=True)
    published_at = models.DateTimeField()  # broker time, else its own, else received
    # columns as of an appearance
    broker = models.CharField(max_length=64, blank=True)
    stream = models.CharField(max_length=255, blank=True, db_default="")
    position = models.CharField(max_length=64, blank=True, db_default="")
    broker_time = models.DateTimeField(null=True)
    received_at = models.DateTimeField(default=clock.now)
    replay_attempt = models.CharField(max_length=80, blank=True, db_default="")
    replay_target = models.CharField(max_length=255, blank=True, db_default="")

    class Meta:
        indexes: ClassVar = [
            # a cascade: all events of one flow
            models.Index(fields=["flow_id", "id"], name="event_flow"),
            # what came later in one lane (superseded?)
            models.Index(
                fields=["partition_key", "id"],
                name="event_lane",
                condition=~models.Q(partition_key=""),
            ),
            # an event looked up by the ID alone, from the search field
            models.Index(fields=["event_id"], name="event_event_id"),
            # whether a number missing in one flow was given to an event of another
            models.Index(
                fields=["sequence", "source"],
                name="event_sequence",
                condition=~models.Q(sequence=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"


class Payload(models.Model):
    """A large body, kept apart so that event rows stay small; cut at INTAKE_EVENT_BYTES."""

    identity = models.BinaryField(max_length=16)
    body_hash = models.BinaryField(max_length=16)  # of all of it: an event may have had several
    data = models.BinaryField()

    class Meta:
        constraints: ClassVar = [
            # the body of one event
            models.UniqueConstraint(fields=["identity", "body_hash"], name="payload_body")
        ]

    def __str__(self) -> str:
        return f"{len(self.data)} bytes of {bytes(self.identity).hex()}"


class Appearance(models.Model):
    """A further place where an event was seen: the first is in its own row."""

    identity = models.BinaryField(max_length=16)
    broker = models.CharField(max_length=64)
    stream = models.CharField(max_length=255)
    position = models.CharField(max_length=64)
    broker_time = models.DateTimeField(null=True)
    received_at = models.DateTimeField(default=clock.now)
    body_hash = models.BinaryField(max_length=16)
    replay_attempt = models.CharField(max_length=80, blank=True)
    replay_target = models.CharField(max_length=255, blank=True)

    class Meta:
        constraints: ClassVar = [
            # where one event was seen
            models.UniqueConstraint(
                fields=["identity", "broker", "stream", "position"], name="appearance_place"
            )
        ]

    def __str__(self) -> str:
        return f"{self.broker}/{self.stream} {self.position}"


class Receipt(models.Model):
    """Evidence of one attempt, or of what an operator did to a dead letter of this delivery."""

    receipt_identity = models.BinaryField(max_length=16, unique=True)  # the same twice is one
    identity = models.BinaryField(max_length=16)
    flow_id = models.CharField(max_length=255, blank=True)
    consumer = models.CharField(max_length=255)
    attempt = models.IntegerField(default=1)
    outcome = models.CharField(max_length=16)
    stream = models.CharField(max_length=255, blank=True)
    position = models.CharField(max_length=64, blank=True)
    started_at = models.DateTimeField()
    duration_ms = models.FloatField(null=True)
    error_type = models.CharField(max_length=255, blank=True)
    error_message = models.TextField(blank=True)
    error_stack = models.TextField(blank=True)
    process = models.CharField(max_length=255, blank=True)
    release = models.CharField(max_length=80, blank=True)
    replay_attempt = models.CharField(max_length=80, blank=True)
    retry_in_ms = models.FloatField(null=True)
    published = models.JSONField(default=list)  # identities (hex) of events this attempt emitted
    origin = models.CharField(max_length=16, default="receipt")  # see tracing/rows.py
    letter_id = models.BigIntegerField(null=True)  # set when origin is letter
    seen_at = models.DateTimeField()  # the broker's time of the receipt
    received_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes: ClassVar = [
            # the attempts of one delivery, and their outcome for verify
            models.Index(fields=["identity", "consumer", "id"], name="receipt_delivery"),
            # a cascade: all receipts of one flow
            models.Index(fields=["flow_id", "id"], name="receipt_flow"),
            # those that do not know their flow yet (receipts.adopt)
            models.Index(
                fields=["received_at"], name="receipt_stray", condition=models.Q(flow_id="")
            ),
            # inferred deliveries that were not acknowledged when last looked at
            models.Index(
                fields=["id"],
                name="receipt_open",
                condition=models.Q(origin="inferred", outcome="started"),
            ),
            # the receipts of one replay attempt
            models.Index(
                fields=["replay_attempt"],
                name="receipt_replay",
                condition=~models.Q(replay_attempt=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.consumer} {self.outcome} (attempt {self.attempt})"


class Span(models.Model):
    """A span, kept light, so that what comes later can be tied to it."""

    trace_id = models.CharField(max_length=32)
    span_id = models.CharField(max_length=16)
    parent_id = models.CharField(max_length=16, blank=True)
    name = models.CharField(max_length=255, blank=True)
    kind = models.SmallIntegerField(default=0)  # OTLP's SpanKind
    service = models.CharField(max_length=255)
    started_at = models.DateTimeField()
    duration_ms = models.FloatField()
    failed = models.BooleanField(default=False)
    process = models.CharField(max_length=255, blank=True)
    release = models.CharField(max_length=80, blank=True)
    reading = models.TextField(blank=True)  # JSON: what it says of messages, if anything
    origin_trace_id = models.CharField(max_length=32, blank=True)  # another one, of what it handled
    received_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints: ClassVar = [
            # the same twice is one; all spans of a trace
            models.UniqueConstraint(fields=["trace_id", "span_id"], name="span_place")
        ]
        indexes: ClassVar = [
            # the traces that took messages from a trace
            models.Index(
                fields=["origin_trace_id"],
                name="span_origin",
                condition=~models.Q(origin_trace_id=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.service} {self.name}"


class Malformed(models.Model):
    """A message that is no envelope, kept with its reason."""

    broker = models.CharField(max_length=64)
    stream = models.CharField(max_length=255)
    position = models.CharField(max_length=64)
    reason = models.CharField(max_length=500)
    raw = models.BinaryField()  # the first 64 KiB
    size = models.IntegerField()  # bytes, before the cut
    received_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["broker", "stream", "position"], name="malformed_position"
            )
        ]

    def __str__(self) -> str:
        return f"{self.stream} {self.position}: {self.reason}"
