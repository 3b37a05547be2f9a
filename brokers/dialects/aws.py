"""The marks of SQS, EventBridge and Lambda (AWS developer guides: "Dead-letter queues").

EventBridge and Lambda wrap no body: their attributes lie beside the message. SQS itself only
counts; its attributes belong to the queue and are not sent on.
"""

from collections.abc import Mapping

from brokers.dialects.named import Named
from brokers.dialects.normal import DeadLetter, said, whole_number

_SOURCE, _COUNT = "DeadLetterQueueSourceArn", "ApproximateReceiveCount"
_SQS_OWN = (
    _SOURCE,
    _COUNT,
    "ApproximateFirstReceiveTimestamp",
    "SentTimestamp",
    "SenderId",
    "SequenceNumber",
)

EVENTBRIDGE = Named(
    name="eventbridge",
    certain=("RULE_ARN", "TARGET_ARN"),
    names=("ERROR_CODE", "ERROR_MESSAGE", "EXHAUSTED_RETRY_CONDITION", "RETRY_ATTEMPTS"),
    consumer="TARGET_ARN",
    attempts="RETRY_ATTEMPTS",
    reason="EXHAUSTED_RETRY_CONDITION",
    error_type="ERROR_CODE",
    error_message="ERROR_MESSAGE",
)


class Lambda:
    """`RequestID`, `ErrorCode`, `ErrorMessage`: only the three together are Lambda's."""

    name = "lambda"
    _own = ("ErrorCode", "ErrorMessage", "RequestID")

    def recognises(self, headers: Mapping[str, str]) -> bool:
        """Whether all three are there: each alone may be anybody's."""
        return all(name in headers for name in self._own)

    def read(self, headers: Mapping[str, str]) -> DeadLetter:
        """The normal form."""
        return DeadLetter(
            dialect=self.name,
            headers={name: value for name, value in headers.items() if name not in self._own},
            marks=self._own,
            evidence=said("ErrorCode", headers["ErrorCode"]),
            error_type=headers["ErrorCode"],
            error_message=headers["ErrorMessage"],
        )


class Sqs:
    """Moved by SQS's redrive policy after too many receives."""

    name = "sqs"

    def recognises(self, headers: Mapping[str, str]) -> bool:
        """Whether the source queue is named: only SQS's own redrive writes it."""
        return _SOURCE in headers

    def read(self, headers: Mapping[str, str]) -> DeadLetter:
        """The normal form; the queue is the last part of its ARN."""
        queue = headers[_SOURCE].rpartition(":")[2]
        count = whole_number(headers.get(_COUNT))
        own = tuple(sorted(name for name in _SQS_OWN if name in headers))
        return DeadLetter(
            dialect=self.name,
            headers={name: value for name, value in headers.items() if name not in own},
            marks=own,
            evidence=said(_SOURCE, f"{queue}, {_COUNT} {count}" if count is not None else queue),
            consumer=queue,
            stream=queue,
            attempts=count,
            reason="maxReceiveCount",
        )


DIALECTS = (EVENTBRIDGE, Lambda(), Sqs())
