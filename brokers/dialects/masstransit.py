"""The marks of MassTransit on its `_error` and `_skipped` queues (masstransit.io, "Exceptions").

`MT-OriginalMessageId` and the headers of causality stay.
"""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from brokers.dialects.named import Named
from brokers.dialects.normal import DeadLetter

_FAULT = "MT-Fault-"
_NAMES = Named(
    name="masstransit",
    certain=("MT-Reason", f"{_FAULT}ExceptionType"),
    prefixes=(_FAULT, "MT-Host-"),
    consumer=f"{_FAULT}ConsumerType",
    topic=f"{_FAULT}InputAddress",
    attempts=f"{_FAULT}RetryCount",
    reason="MT-Reason",
    died_at=f"{_FAULT}Timestamp",
    error_type=f"{_FAULT}ExceptionType",
    error_message=f"{_FAULT}Message",
    error_stack=f"{_FAULT}StackTrace",
)


class MassTransit:
    """The input address is a URL; its last part is the queue the consumer reads."""

    name = _NAMES.name

    def recognises(self, headers: Mapping[str, str]) -> bool:
        """Whether a fault or a reason is there."""
        return _NAMES.recognises(headers)

    def read(self, headers: Mapping[str, str]) -> DeadLetter:
        """The normal form; retries come after a first try."""
        found = _NAMES.read(headers)
        queue = _queue(found.stream)
        tries = None if found.attempts is None else found.attempts + 1
        return replace(found, stream=queue, consumer=found.consumer or queue, attempts=tries)


DIALECT = MassTransit()


def _queue(address: str) -> str:
    try:
        return urlsplit(address).path.rpartition("/")[2]
    except ValueError:
        return ""
