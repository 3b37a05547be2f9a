"""Handling of one entry, from reading it to its outcome."""

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from cascade_client import context, fields
from cascade_client.envelope import Envelope, Fields, from_fields, read_body, rfc3339
from cascade_client.errors import (
    Conflict,
    Fenced,
    Malformed,
    PayloadLost,
    Permanent,
    ProcessLost,
    TransportError,
)
from cascade_client.receipts import Attempt, Outcome
from cascade_client.retry import Retry
from cascade_client.scrub import ErrorText, describe
from cascade_client.spans import processing
from cascade_client.transport import Lease, Lost, Taken, Transport
from cascade_client.transport import Outcome as Commit
from cascade_client.work import Work

Handler = Callable[[Envelope, Work], None]
ANY_TYPE = "*"
RERUNS = 100  # of a handler whose documents changed under it; each time another one got ahead
AWAY_S = 0.5  # between two calls while the broker is away
T = TypeVar("T")
log = logging.getLogger("cascade_client")


@dataclass(frozen=True, slots=True)
class Member:
    """One process of a consumer, and what it does with events."""

    transport: Transport
    consumer: str
    source: str
    process: str
    release: str
    handlers: Mapping[str, Handler]
    retry: Retry

    def handler_of(self, event: Envelope) -> Handler | None:
        """The handler of the event's type, else that of `*`."""
        return self.handlers.get(event.type) or self.handlers.get(ANY_TYPE)


class Delivery:
    """One try at one entry. Its `settle` answers how long to wait before the next take."""

    def __init__(self, member: Member, lease: Lease, taken: Taken | Lost) -> None:
        self._member = member
        self._transport = member.transport
        self._lease = lease
        self.position = taken.position
        self._entry: Fields = taken.fields if isinstance(taken, Taken) else ()
        self._lost = isinstance(taken, Lost)
        self._event = from_fields(self._entry)
        self.attempt = Attempt(
            source=member.source,
            consumer=member.consumer,
            process=member.process,
            release=member.release,
            stream=lease.stream,
            position=taken.position,
            number=max(1, taken.deliveries),
            started_at=datetime.now(UTC),
            event=self._event,
            replay_attempt=self._event.attempt or taken.replay,
        )

    @property
    def identity(self) -> bytes:
        """Of the event; an entry without source and ID is known by its place."""
        if self._event.source and self._event.id:
            return fields.identity(self._event.source, self._event.id)
        return fields.identity(self._lease.stream, self.position)

    def settle(self, stop: threading.Event) -> float:
        """Handle it; seconds to wait before the next try of it (0: it is done).

        Raises Fenced when another process owns the stream, TransportError when the broker went
        away before the outcome was known.
        """
        if self._lost:
            return self._report_lost(stop)
        if self._event.target not in ("", self._member.consumer):
            return self._acknowledge(stop)  # meant for another consumer: no trace of it here
        try:
            event = read_body(self._event)
        except Malformed as error:
            return self._give_up(fields.REASON_MALFORMED, describe(error), stop)
        handler = self._member.handler_of(event)
        if handler is None:
            return self._skip(stop) if self.attempt.replay_attempt else self._acknowledge(stop)
        return self._handle(event, handler, stop)

    def _handle(self, event: Envelope, handler: Handler, stop: threading.Event) -> float:
        if self._transport.seen(self._member.consumer, self.identity):
            return self._skip(stop)
        if self.attempt.number > self._member.retry.attempts:
            lost = ProcessLost(f"{self.attempt.number - 1} tries ended without an outcome")
            return self._give_up(fields.REASON_ATTEMPTS, describe(lost), stop)
        return self._try(event, handler, stop)

    def _try(self, event: Envelope, handler: Handler, stop: threading.Event) -> float:
        try:
            for _ in range(RERUNS):
                work = self._run(event, handler)
                answer = self._commit(work, stop)
                if answer != "conflict":
                    return self._skip(stop) if answer == "seen" else 0.0
                time.sleep(random.uniform(0.001, 0.02))  # noqa: S311  (no secret)
            raise Conflict(f"the documents changed {RERUNS} times while being handled")
        except (Fenced, TransportError):
            raise
        except Permanent as error:
            return self._give_up(fields.REASON_PERMANENT, describe(error), stop)
        except Exception as error:
            return self._failed(describe(error), stop)

    def _run(self, event: Envelope, handler: Handler) -> Work:
        member = self._member
        work = Work(self._transport, member.consumer, member.source, event, self.attempt.number)
        here = context.Context(event.flow_id, event.id, event.partition_key)
        with processing(event, self.attempt), context.within(here):
            handler(event, work)
        return work

    def _commit(self, work: Work, stop: threading.Event) -> str:
        receipt = self.attempt.receipt(
            Outcome.SUCCEEDED, events=[event for _, event in work.events]
        )
        outcome = Commit(self.position, self.identity, work.documents, work.events, receipt)
        return self._until_heard(lambda: self._transport.commit(self._lease, outcome), stop)

    def _failed(self, error: ErrorText, stop: threading.Event) -> float:
        attempt = self.attempt
        if attempt.number >= self._member.retry.attempts:
            return self._give_up(fields.REASON_ATTEMPTS, error, stop)
        delay_s = self._member.retry.delay_s(attempt.number)
        log.warning(
            "%s: try %d of %s %s failed, next in %.2f s: %s: %s",
            *(attempt.consumer, attempt.number, attempt.stream, attempt.position),
            *(delay_s, error.type, error.message),
        )
        receipt = attempt.receipt(Outcome.RETRYING, error=error, retry_in_s=delay_s)
        self._until_heard(lambda: self._transport.report(receipt), stop)
        return delay_s

    def _give_up(self, reason: str, error: ErrorText, stop: threading.Event) -> float:
        attempt = self.attempt
        log.error(
            "%s: dead-lettered %s %s after %d tries (%s): %s: %s",
            *(attempt.consumer, attempt.stream, attempt.position, attempt.number),
            *(reason, error.type, error.message),
        )
        stamps = self._stamps(reason, error)
        receipt = attempt.receipt(Outcome.DEAD_LETTERED, error=error)
        self._until_heard(
            lambda: self._transport.dead_letter(self._lease, self.position, stamps, receipt), stop
        )
        return 0.0

    def _stamps(self, reason: str, error: ErrorText) -> Fields:
        attempt = self.attempt
        values = {
            fields.DEAD_LETTER_CONSUMER: attempt.consumer,
            fields.DEAD_LETTER_STREAM: attempt.stream,
            fields.DEAD_LETTER_POSITION: attempt.position,
            fields.DEAD_LETTER_ATTEMPTS: str(min(attempt.number, self._member.retry.attempts)),
            fields.DEAD_LETTER_REASON: reason,
            fields.DEAD_LETTER_TIME: rfc3339(datetime.now(UTC)),
            fields.DEAD_LETTER_PROCESS: attempt.process,
            fields.DEAD_LETTER_RELEASE: attempt.release,
            fields.DEAD_LETTER_ERROR_TYPE: error.type,
            fields.DEAD_LETTER_ERROR_MESSAGE: error.message,
            fields.DEAD_LETTER_ERROR_STACK: error.stack,
        }
        return [(name.encode(), value.encode()) for name, value in values.items()]

    def _skip(self, stop: threading.Event) -> float:
        return self._acknowledge(stop, self.attempt.receipt(Outcome.SKIPPED))

    def _report_lost(self, stop: threading.Event) -> float:
        error = PayloadLost("the entry was trimmed or deleted before it was handled")
        log.error("%s: %s %s: %s", self.attempt.consumer, self._lease.stream, self.position, error)
        return self._acknowledge(stop, self.attempt.receipt(Outcome.FAILED, error=describe(error)))

    def _acknowledge(self, stop: threading.Event, receipt: Fields = ()) -> float:
        outcome = Commit(self.position, receipt=receipt)
        self._until_heard(lambda: self._transport.commit(self._lease, outcome), stop)
        return 0.0

    def _until_heard(self, step: Callable[[], T], stop: threading.Event) -> T:
        """Repeat a step whose answer got lost: each of them does its work once."""
        while True:
            try:
                return step()
            except TransportError as error:
                if stop.wait(AWAY_S):
                    raise
                log.warning("%s: the broker is away: %s", self.attempt.consumer, error)
