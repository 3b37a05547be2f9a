"""Messages made ready to be stored: all of it that needs no database.

The tap does this while the batch before is being committed. Rows are in the order of the tables
in tracing/columns.py.
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from brokers.config import Keys, current
from brokers.contract import Entry
from brokers.retention import LARGE_PAYLOAD
from kit import clock, limits
from kit.limits import KIB
from tracing import columns
from tracing.bulk import Moment, Row, moment
from tracing.envelope import (
    NO_RULES,
    Envelope,
    EnvelopeError,
    Malformed,
    Rules,
    body_hash,
    from_entry,
    storable,
)
from tracing.keys import keys_of
from tracing.receipts import is_receipt, parse
from tracing.receipts import row as receipt_row
from tracing.sealing import seal

RAW_BYTES = 64 * KIB  # kept of a malformed message


class Seen(msgspec.Struct, frozen=True, gc=False):
    """One message and where it was seen. `raw` matters only where it is malformed."""

    broker: str
    stream: str
    topic: str
    position: str
    time: datetime | None  # the broker's
    message: Envelope | Malformed
    raw: bytes = b""
    origin: str = "receipt"  # who tells it, if it is a receipt (tracing/rows.py)


class Flows:
    """The flows that something happened to, and when each may have started."""

    def __init__(self) -> None:
        self.started: dict[str, object] = {}

    def mark(self, flow_id: str, at: object) -> None:
        """Something of this flow happened at `at` (in the database's form)."""
        known = self.started.get(flow_id)
        if flow_id and (known is None or at < known):  # type: ignore[operator]  # both of one type
            self.started[flow_id] = at

    def rows(self, now: datetime) -> list[Row]:
        """The rows that mark them dirty, sorted by key."""
        marked = moment(now)
        return [columns.flow_row(flow, at, marked) for flow, at in sorted(self.started.items())]


class Prepared:
    """Messages as rows: of several of one key, the earliest."""

    def __init__(self, received_at: datetime) -> None:
        self.received_at = received_at
        self.messages = 0  # events and receipts, each time they are said
        self.events: dict[bytes, Row] = {}  # by identity
        self.payloads: dict[tuple[bytes, bytes], Row] = {}  # large ones, by identity and hash
        self.further: list[Row] = []  # appearances of these events elsewhere than their rows say
        self.keys: set[Row] = set()
        self.receipts: dict[bytes, Row] = {}  # by identity; the flow is what they say themselves
        self.malformed: list[Row] = []
        self.flows = Flows()  # of the events; a receipt's may be another than it says


def seen(entry: Entry, rules: Rules = NO_RULES) -> Seen:
    """An entry of a broker, read."""
    message = from_entry(entry, rules)
    raw = raw_of(entry) if isinstance(message, Malformed) else b""
    return _at_place(entry, message, raw)


def refused(entry: Entry, reason: str) -> Seen:
    """An entry that could not be stored for another reason than its form."""
    return _at_place(entry, Malformed(reason=reason), raw_of(entry))


def raw_of(entry: Entry) -> bytes:
    """All of an entry in one block: `name: value` lines, an empty line, the body."""
    lines = [f"{name}: {value}" for name, value in entry.headers.items()]
    head = "\n".join(lines).encode("utf-8", "backslashreplace")
    return head + b"\n\n" + (entry.body or b"") if lines else entry.body or b""


def prepare(
    entries: Iterable[Seen], *, keys: Keys, received_at: datetime | None = None
) -> Prepared:
    """These messages, ready for `store.put`; `keys`: kinds to JSON pointers."""
    ready = Prepared(received_at or clock.now())
    stored_at = moment(ready.received_at)
    large = current().retention.large_payload_bytes
    for one in entries:
        message = one.message
        try:
            if isinstance(message, Malformed):
                ready.malformed.append(_malformed(one, message.reason, stored_at))
            elif is_receipt(message):
                _add_receipt(ready, one, message)
            else:
                _add_event(ready, one, message, keys, stored_at, large)
        except EnvelopeError as error:
            ready.malformed.append(_malformed(one, f"receipt: {error}", stored_at))
    ready.malformed.sort()
    return ready


def _add_event(
    ready: Prepared,
    one: Seen,
    event: Envelope,
    keys: Keys,
    stored_at: Moment,
    large: int,
) -> None:
    ready.messages += 1
    row = event_row(event, one, stored_at, large)
    identity, flow_id = row[0], row[3]
    known = ready.events.setdefault(identity, row)
    if known is not row:
        _add_again(ready, known, row)
    if row[columns.SIZE] > large:
        kept = (event.data or b"")[: limits.intake.event_bytes]
        ready.payloads[identity, row[2]] = (identity, row[2], kept)
    ready.flows.mark(flow_id, row[1])
    for key in keys_of(event, keys, seal):
        ready.keys.add((key, flow_id))


def _add_again(ready: Prepared, known: Row, row: Row) -> None:
    """The same event twice: the earlier row stands for it, the other's place is a further one."""
    first, second = sorted((known, row), key=columns.rank_of)
    ready.events[row[0]] = first
    if columns.place_of(first) != columns.place_of(second):
        ready.further.append(columns.appearance_of(second))


def event_row(event: Envelope, one: Seen, received_at: Moment, large: int = LARGE_PAYLOAD) -> Row:
    """One event and where it was seen; `received_at` in the database's form. Columns as in EVENT.

    A body of more than `large` bytes is left to PAYLOAD.
    """
    own_time, broker_time = moment(event.time), moment(one.time)
    size = len(event.data) if event.data else 0
    return (
        event.identity,
        broker_time or own_time or received_at,
        body_hash(event.data),
        event.flow_id,
        event.source,
        event.id,
        event.type,
        event.subject,
        own_time,
        event.time_text,
        _json(event.causes) if event.causes else "[]",
        event.partition_key,
        event.sequence,
        event.traceparent,
        event.dataschema,
        event.content_type,
        event.data if size <= large else None,
        size,
        _json(event.extensions) if event.extensions else "{}",
        _json(event.headers) if event.headers else "{}",
        one.topic,
        one.broker,
        one.stream,
        one.position,
        broker_time,
        received_at,
        event.attempt,
        event.target,
    )


def _add_receipt(ready: Prepared, one: Seen, envelope: Envelope) -> None:
    receipt = parse(envelope, one.broker)
    ready.messages += 1
    seen_at = one.time or envelope.time or ready.received_at
    identity = envelope.identity
    row = receipt_row(
        receipt, identity, _own_flow(envelope), seen_at, ready.received_at, one.origin
    )
    known = ready.receipts.get(identity)
    if known is None or row[1] < known[1]:
        ready.receipts[identity] = row


def _own_flow(receipt: Envelope) -> str:
    """The flow a receipt names itself, by correlation or trace; empty when it names none."""
    flow_id = receipt.flow_id
    return "" if flow_id == receipt.identity.hex() else flow_id


def _at_place(entry: Entry, message: Envelope | Malformed, raw: bytes) -> Seen:
    return Seen(
        broker=entry.broker,
        stream=storable(entry.stream)[:255],
        topic=storable(entry.topic)[:255],
        position=storable(entry.position)[:64],
        time=entry.time,
        message=message,
        raw=raw,
    )


def _malformed(one: Seen, reason: str, stored_at: Moment) -> Row:
    raw = one.raw or (one.message.data or b"" if isinstance(one.message, Envelope) else b"")
    return (
        one.broker,
        one.stream,
        one.position,
        storable(reason)[:500],
        raw[:RAW_BYTES],
        len(raw),
        stored_at,
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
