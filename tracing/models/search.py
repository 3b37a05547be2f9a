"""Rows that answer a search: which flows a word names, and the words of payloads.

Written by the summariser alone. Each is in the order of the list, so that a page of it is read
from the index whatever else is in the store.
"""

from typing import ClassVar

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class FlowMark(models.Model):
    """Something a flow is found by; of each kind at most MARKS a flow (tracing/search/marks.py)."""

    flow_id = models.CharField(max_length=255)
    started_at = models.DateTimeField()  # as the flow's

    class Meta:
        abstract = True


class FlowType(FlowMark):
    """An event type seen in a flow."""

    type = models.CharField(max_length=255)

    class Meta:
        constraints: ClassVar = [
            # what one flow is found by; whether a flow of the list has this type
            models.UniqueConstraint(fields=["flow_id", "type"], name="flowtype_flow")
        ]
        indexes: ClassVar = [
            # the list by type, newest first; the types there are
            models.Index(fields=["type", "-started_at", "-flow_id"], name="flowtype_list")
        ]

    def __str__(self) -> str:
        return self.type


class FlowConsumer(FlowMark):
    """A consumer that handled, or is to handle, an event of a flow."""

    consumer = models.CharField(max_length=255)

    class Meta:
        constraints: ClassVar = [
            # what one flow is found by; whether a flow of the list has this consumer
            models.UniqueConstraint(fields=["flow_id", "consumer"], name="flowconsumer_flow")
        ]
        indexes: ClassVar = [
            # the list by consumer, newest first; the consumers there are
            models.Index(fields=["consumer", "-started_at", "-flow_id"], name="flowconsumer_list")
        ]

    def __str__(self) -> str:
        return self.consumer


class FlowError(FlowMark):
    """A word of an error in a flow: of its type or of its message, masked."""

    word = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar = [
            # what one flow is found by; whether a flow of the list has this word
            models.UniqueConstraint(fields=["flow_id", "word"], name="flowerror_flow")
        ]
        indexes: ClassVar = [
            # the list by a word of an error, newest first; the words that begin so (PostgreSQL
            # finds a beginning by its pattern classes alone, in most languages)
            models.Index(
                fields=["word", "-started_at", "-flow_id"],
                name="flowerror_list",
                opclasses=["varchar_pattern_ops", "timestamptz_ops", "varchar_ops"],
            )
        ]

    def __str__(self) -> str:
        return self.word


class WordsField(models.TextField):  # type: ignore[type-arg]  # no generic at run time
    """The words of a text: on PostgreSQL a tsvector, on SQLite the words with spaces between."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        """As the database calls it."""
        return "tsvector" if connection.vendor == "postgresql" else super().db_type(connection)


class EventWords(models.Model):
    """The words of one event's payload, masked. Found by the index that its migration makes:
    FTS5 with this table as its content, or GIN.
    """

    event_id = models.BigIntegerField(primary_key=True)
    words = WordsField()

    def __str__(self) -> str:
        return f"words of event {self.event_id}"


class WordsMark(models.Model):
    """One row: up to which event the words of payloads are in the index."""

    event_id = models.BigIntegerField(default=0)
    received_at = models.DateTimeField(null=True)  # when that event came in

    def __str__(self) -> str:
        return f"words up to event {self.event_id}"
