"""A task message of Celery, protocol 2 (docs.celeryq.dev, "Message Protocol").

Celery leaves no mark of an error: a failed task is acknowledged and gone. What lies on a
dead-letter queue was rejected, and the task's own headers tell which it is and how often it ran.
They are its identity and causality, so none is taken off.
"""

from collections.abc import Mapping

from brokers.dialects.normal import DeadLetter, said, whole_number


class Celery:
    """`task`, `id` and `root_id` together are Celery's."""

    name = "celery"

    def recognises(self, headers: Mapping[str, str]) -> bool:
        """Whether it is a task of protocol 2."""
        return all(name in headers for name in ("task", "id", "root_id"))

    def read(self, headers: Mapping[str, str]) -> DeadLetter:
        """The normal form; retries come after a first try."""
        retries = whole_number(headers.get("retries"))
        return DeadLetter(
            dialect=self.name,
            headers=dict(headers),
            evidence=said("task", headers["task"]),
            attempts=None if retries is None else retries + 1,
        )


DIALECT = Celery()
