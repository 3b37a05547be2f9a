"""The marks of NServiceBus on its error queue (docs.particular.net, "Message Headers").

ConversationId, RelatedTo, CorrelationId and MessageId are causality and stay.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from brokers.dialects.named import Named
from brokers.dialects.normal import DeadLetter, whole_number

_OWN = "NServiceBus."
_EXCEPTION = f"{_OWN}ExceptionInfo."
_TIME = f"{_OWN}TimeOfFailure"
_RETRIES = (f"{_OWN}Retries", f"{_OWN}FLRetries")
_NAMES = Named(
    name="nservicebus",
    certain=(f"{_OWN}FailedQ", f"{_EXCEPTION}ExceptionType"),
    prefixes=(_EXCEPTION, _RETRIES[0]),
    names=(_TIME, *_RETRIES),
    topic=f"{_OWN}FailedQ",
    error_type=f"{_EXCEPTION}ExceptionType",
    error_message=f"{_EXCEPTION}Message",
    error_stack=f"{_EXCEPTION}StackTrace",
)


class NServiceBus:
    """`FailedQ` is queue and machine, `payment@HOST`; the queue is the endpoint that failed."""

    name = _NAMES.name

    def recognises(self, headers: Mapping[str, str]) -> bool:
        """Whether the failed queue or an exception is named."""
        return _NAMES.recognises(headers)

    def read(self, headers: Mapping[str, str]) -> DeadLetter:
        """The normal form."""
        found = _NAMES.read(headers)
        queue = found.stream.partition("@")[0]
        consumer = headers.get(f"{_OWN}ProcessingEndpoint", "") or queue
        counts = [whole_number(headers.get(name)) for name in _RETRIES]
        known = [count for count in counts if count is not None]
        return replace(
            found,
            stream=queue,
            consumer=consumer,
            attempts=sum(known) + 1 if known else None,
            died_at=_time(headers.get(_TIME, "")),
        )


DIALECT = NServiceBus()


def _time(text: str) -> datetime | None:
    """`2026-08-18 14:02:11:523000 Z`, its own form, always UTC."""
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S:%f Z").replace(tzinfo=UTC)
    except ValueError:
        return None
