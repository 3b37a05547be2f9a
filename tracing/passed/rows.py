"""Receipts that nobody sent: what a consumer's cursor and pending list say of its deliveries.

One row for each delivery, known by broker, place and consumer: it is started while the entry is
pending and handled afterwards. Where a real receipt tells of the delivery, this one is passed by
(tracing/cascade/deliveries.py), whichever came first.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from django.db import connection

from kit import clock
from kit.limits import TRANSACTION_ROWS
from kit.writes import writing
from tracing.bulk import IGNORE, Moment, Row, change, moment, read_moment, select, write
from tracing.columns import FLOW, MARK_DIRTY, RECEIPT, flow_row
from tracing.envelope import identity, storable

OPEN_AT_ONCE = 1_000  # deliveries that are looked at again together
_SENDERS = (
    "SELECT DISTINCT consumer FROM tracing_receipt WHERE identity {among}"
    " AND origin <> 'letter' AND origin <> 'inferred'"
)
# the conditions as in the index receipt_open
_OPEN = (
    "SELECT receipt.id, receipt.stream, receipt.consumer, receipt.position, receipt.attempt,"
    " receipt.flow_id, receipt.started_at"
    " FROM tracing_receipt AS receipt JOIN tracing_event AS event"
    " ON event.identity = receipt.identity"
    " WHERE receipt.origin = 'inferred' AND receipt.outcome = 'started'"
    " AND receipt.id > %s AND event.broker = %s ORDER BY receipt.id LIMIT %s"
)


class Guess(NamedTuple):
    """What is believed of one delivery."""

    identity: bytes  # of the event
    flow_id: str
    consumer: str
    stream: str
    position: str
    outcome: Literal["started", "handled"]
    tries: int
    started_at: datetime
    process: str = ""


class Open(NamedTuple):
    """A delivery that was pending when last looked at."""

    id: int
    stream: str
    consumer: str
    position: str
    tries: int
    flow_id: str
    started_at: Moment


def put(broker: str, guesses: Sequence[Guess]) -> None:
    """Write these, in transactions of a bounded size; those that are there stay as they are."""
    now = moment(clock.now())
    for start in range(0, len(guesses), TRANSACTION_ROWS):
        some = guesses[start : start + TRANSACTION_ROWS]
        rows = sorted((_row(broker, one, now) for one in some), key=lambda row: bytes(row[0]))
        with writing():
            write(RECEIPT, rows, IGNORE)
            _mark(((one.flow_id, moment(one.started_at)) for one in some), now)


def still_open(broker: str, after: int) -> list[Open]:
    """The next deliveries, by number, that were pending when last looked at."""
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, [after, broker, OPEN_AT_ONCE])
        rows = cursor.fetchall()
    return [Open._make((*row[:-1], read_moment(row[-1]))) for row in rows]


def settle(handled: Sequence[Open], tried_again: Sequence[tuple[Open, int]]) -> None:
    """Of these the first are acknowledged, the others were delivered once more."""
    now = moment(clock.now())
    with writing():
        change(
            "UPDATE tracing_receipt SET outcome = 'handled', seen_at = %s"
            " WHERE id = %s AND outcome = 'started'",
            [(now, one.id) for one in handled],
        )
        change(
            "UPDATE tracing_receipt SET attempt = %s, seen_at = %s WHERE id = %s",
            [(tries, now, one.id) for one, tries in tried_again],
        )
        changed = [*handled, *(one for one, _ in tried_again)]
        _mark(((one.flow_id, one.started_at) for one in changed), now)


def senders(identities: Iterable[bytes]) -> set[str]:
    """The consumers that sent receipts of any of these events."""
    return {row[0] for row in select(_SENDERS, sorted(set(identities)))}


def _mark(flows: Iterable[tuple[str, Moment]], now: Moment) -> None:
    started: dict[str, Moment] = {}
    for flow_id, at in flows:
        if flow_id:
            started.setdefault(flow_id, at)
    rows = [flow_row(flow_id, started[flow_id], now) for flow_id in sorted(started)]
    write(FLOW, rows, MARK_DIRTY)


def _row(broker: str, one: Guess, now: Moment) -> Row:
    fields: dict[str, object] = {
        "receipt_identity": identity(
            "inferred", "\0".join((broker, one.stream, one.position, one.consumer))
        ),
        "seen_at": now,
        "identity": one.identity,
        "flow_id": one.flow_id,
        "consumer": one.consumer,
        "attempt": one.tries,
        "outcome": one.outcome,
        "stream": one.stream,
        "position": one.position,
        "started_at": moment(one.started_at),
        "duration_ms": None,
        "error_type": "",
        "error_message": "",
        "error_stack": "",
        "process": storable(one.process)[:255],
        "release": "",
        "replay_attempt": "",
        "retry_in_ms": None,
        "published": "[]",
        "origin": "inferred",
        "letter_id": None,
        "received_at": now,
    }
    return tuple(fields[name] for name in RECEIPT.columns)
