"""The marks of RabbitMQ's dead-letter exchanges (rabbitmq.com, "Dead Letter Exchanges").

`x-death` of AMQP 0-9-1 and `x-opt-deaths` of AMQP 1.0: one line for each queue and reason, the
newest first, in JSON here. From 4.0 a client that publishes them again raises no count.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from brokers.dialects.normal import DeadLetter, moment, said, whole_number

LISTS = ("x-death", "x-opt-deaths")
PREFIXES = ("x-first-death-", "x-last-death-")
DELIVERIES = "x-delivery-count"  # quorum queues: how often it was given to a consumer


class Line(msgspec.Struct, frozen=True):
    """One queue and reason; unknown members are ignored."""

    queue: str
    reason: str = ""
    count: Annotated[int, msgspec.Meta(ge=0, lt=2**31)] = 1
    time: Any = None  # RFC 3339 or Unix seconds
    last_time: Any = msgspec.field(default=None, name="last-time")


_LINES = msgspec.json.Decoder(list[Line])


class RabbitMQ:
    """The queue it died in is where it goes back to: to the readers of that queue alone."""

    name = "rabbitmq"

    def recognises(self, headers: Mapping[str, str]) -> bool:
        """Whether a list of deaths is there."""
        return any(name in headers for name in LISTS)

    def read(self, headers: Mapping[str, str]) -> DeadLetter:
        """The normal form, by the newest line."""
        own = sorted(name for name in headers if _is_own(name))
        last = _newest(headers)
        queue, reason = (last.queue, last.reason) if last else ("", "")
        return DeadLetter(
            dialect=self.name,
            headers={name: value for name, value in headers.items() if name not in own},
            marks=tuple(own),
            evidence=_evidence(headers, last),
            consumer=queue,
            stream=queue,
            attempts=_attempts(headers, last),
            reason=reason,
            died_at=_time(last.last_time or last.time) if last else None,
        )


DIALECT = RabbitMQ()


def _is_own(name: str) -> bool:
    return name in LISTS or name == DELIVERIES or name.startswith(PREFIXES)


def _newest(headers: Mapping[str, str]) -> Line | None:
    text = next(headers[name] for name in LISTS if name in headers)
    try:
        lines = _LINES.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return lines[0] if lines else None


def _evidence(headers: Mapping[str, str], last: Line | None) -> str:
    name = next(name for name in LISTS if name in headers)
    return said(name, f"{last.reason} × {last.count} in {last.queue}" if last else "")


def _attempts(headers: Mapping[str, str], last: Line | None) -> int | None:
    """What the quorum queue counted, else how often a consumer rejected it; expiry is no try."""
    counted = whole_number(headers.get(DELIVERIES))
    if counted is not None:
        return counted
    return last.count if last and last.reason == "rejected" else None


def _time(value: Any) -> datetime | None:
    if isinstance(value, str):
        return moment(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**33:
        return datetime.fromtimestamp(value, UTC)
    return None
