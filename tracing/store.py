"""The only writer of what was seen: events, appearances, receipts, malformed messages.

`take` works within the caller's transaction. Whatever the order in which the same messages
come in, the same rows result (promise 10): an event is what its earliest appearance says, and
what refers to an event that has not come yet is completed when it comes.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
from django.db import connection

from brokers.contract import Entry
from kit import clock
from kit.limits import KIB
from tracing import columns
from tracing.bulk import IGNORE, Moment, Row, add, change, moment, read_moment, select, write
from tracing.envelope import Envelope, EnvelopeError, Malformed, from_entry, storable
from tracing.keys import keys_of
from tracing.receipts import Parsed, is_receipt, parse
from tracing.receipts import row as receipt_row

RAW_BYTES = 64 * KIB  # kept of a malformed message


class Seen(msgspec.Struct, frozen=True):
    """One message and where it was seen. `raw` matters only where it is malformed."""

    broker: str
    stream: str
    topic: str
    position: str
    time: datetime | None  # the broker's
    message: Envelope | Malformed
    raw: bytes = b""


class Taken(msgspec.Struct, frozen=True):
    """How many messages said something new, how many were known, how many are no envelope.

    `new` holds the identities of the new events and receipts.
    """

    accepted: int
    duplicates: int
    malformed: int
    new: frozenset[bytes] = frozenset()


class _Flows:
    """The flows that something happened to, and when each may have started."""

    def __init__(self) -> None:
        self.started: dict[str, object] = {}

    def mark(self, flow_id: str, at: object) -> None:
        known = self.started.get(flow_id)
        if flow_id and (known is None or at < known):  # type: ignore[operator]  # both of one type
            self.started[flow_id] = at

    def write(self, now: datetime) -> None:
        marked = moment(now)
        rows = [columns.flow_row(flow, at, marked) for flow, at in sorted(self.started.items())]
        write(columns.FLOW, rows, columns.MARK_DIRTY)


def seen(entry: Entry) -> Seen:
    """An entry of a broker, read."""
    message = from_entry(entry)
    raw = raw_of(entry) if isinstance(message, Malformed) else b""
    return _at_place(entry, message, raw)


def refused(entry: Entry, reason: str) -> Seen:
    """An entry that could not be stored for another reason than its form."""
    return _at_place(entry, Malformed(reason=reason), raw_of(entry))


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


def raw_of(entry: Entry) -> bytes:
    """All of an entry in one block: `name: value` lines, an empty line, the body."""
    lines = [f"{name}: {value}" for name, value in entry.headers.items()]
    head = "\n".join(lines).encode("utf-8", "backslashreplace")
    return head + b"\n\n" + (entry.body or b"") if lines else entry.body or b""


def take(
    entries: Sequence[Seen], *, keys: Mapping[str, str], received_at: datetime | None = None
) -> Taken:
    """Store these messages within the caller's transaction; `keys`: names to JSON pointers."""
    if not connection.in_atomic_block:
        raise RuntimeError("store.take needs the caller's transaction")
    at = received_at or clock.now()
    events, receipts, malformed = _sorted_out(entries, at)
    flows = _Flows()
    new = _take_events(events, flows, keys, at) | _take_receipts(receipts, flows, at)
    write(columns.MALFORMED, sorted(malformed), IGNORE)
    flows.write(at)
    known = len(events) + len(receipts) - len(new)
    return Taken(accepted=len(new), duplicates=known, malformed=len(malformed), new=frozenset(new))


def _sorted_out(
    entries: Sequence[Seen], at: datetime
) -> tuple[list[Seen], list[tuple[Seen, Parsed]], list[Row]]:
    """Events, receipts, and the rows of what is neither."""
    events: list[Seen] = []
    receipts: list[tuple[Seen, Parsed]] = []
    malformed: list[Row] = []
    for one in entries:
        try:
            if isinstance(one.message, Malformed):
                malformed.append(_malformed(one, one.message.reason, at))
            elif is_receipt(one.message):
                receipts.append((one, parse(one.message, one.broker)))
            else:
                events.append(one)
        except EnvelopeError as error:
            malformed.append(_malformed(one, f"receipt: {error}", at))
    return events, receipts, malformed


def _take_events(
    events: Sequence[Seen], flows: _Flows, keys: Mapping[str, str], at: datetime
) -> set[bytes]:
    if not events:
        return set()
    rows: dict[bytes, Row] = {}
    appearances: dict[Row, Row] = {}
    found_keys: set[Row] = set()
    received_at = moment(at)
    for one in events:
        event = one.message
        assert isinstance(event, Envelope)  # noqa: S101  # sorted out by `take`
        row, place = _rows(one, event, received_at)
        identity, flow_id = row[0], row[3]
        known = rows.get(identity)
        if known is None or row[1:3] < known[1:3]:
            rows[identity] = row
        appearances.setdefault(place[:3], place)
        flows.mark(flow_id, row[1])
        for key in keys_of(event, keys):
            found_keys.add((key, flow_id))
    there = _write_events(rows, flows)
    places = sorted(appearances.values())
    add(columns.APPEARANCE, [place for place in places if place[3] not in there])
    write(columns.APPEARANCE, [place for place in places if place[3] in there], IGNORE)
    write(columns.FLOW_KEY, sorted(found_keys), IGNORE)
    return rows.keys() - there


def _rows(one: Seen, event: Envelope, received_at: Moment) -> tuple[Row, Row]:
    """The event's row and the row of where it was seen."""
    broker_time = moment(one.time)
    row = columns.event_row(
        event,
        broker=one.broker,
        topic=one.topic,
        broker_time=broker_time,
        received_at=received_at,
    )
    place = (
        one.broker,
        one.stream,
        one.position,
        row[0],
        broker_time,
        received_at,
        row[2],
        event.attempt,
        event.target,
    )
    return row, place


def _write_events(rows: Mapping[bytes, Row], flows: _Flows) -> set[bytes]:
    """Write these events; the identities that were there before."""
    identities = sorted(rows)
    found = select(
        "SELECT identity, published_at, body_hash, flow_id FROM tracing_event"
        " WHERE identity {among}",
        identities,
    )
    there = {bytes(row[0]): row for row in found}
    new = [identity for identity in identities if identity not in there]
    earlier = [
        identity
        for identity, known in sorted(there.items())
        if rows[identity][1:3] < (read_moment(known[1]), bytes(known[2]))
    ]
    add(columns.EVENT, [rows[identity] for identity in new])
    write(columns.EVENT, [rows[identity] for identity in earlier], columns.EARLIEST)
    for identity in earlier:
        flows.mark(there[identity][3], rows[identity][1])
    _complete_receipts({identity: rows[identity] for identity in [*new, *earlier]}, flows)
    return set(there)


def _complete_receipts(events: Mapping[bytes, Row], flows: _Flows) -> None:
    """Receipts that came before their event learn its flow."""
    found = select(
        "SELECT identity, flow_id, id FROM tracing_receipt WHERE identity {among}", list(events)
    )
    wrong = []
    for identity, flow_id, number in found:
        event = events[bytes(identity)]
        if flow_id != event[3]:
            wrong.append((event[3], number))
            flows.mark(flow_id, event[1])
    if wrong:
        change("UPDATE tracing_receipt SET flow_id = %s WHERE id = %s", sorted(wrong))


def _take_receipts(
    receipts: Sequence[tuple[Seen, Parsed]], flows: _Flows, at: datetime
) -> set[bytes]:
    if not receipts:
        return set()
    flow_of = _flows_of({receipt.identity for _, receipt in receipts})
    rows: dict[bytes, Row] = {}
    for one, receipt in receipts:
        envelope = one.message
        assert isinstance(envelope, Envelope)  # noqa: S101  # sorted out by `take`
        flow_id = flow_of.get(receipt.identity) or _own_flow(envelope)
        seen_at = one.time or envelope.time or at
        row = receipt_row(receipt, envelope.identity, flow_id, seen_at, at)
        known = rows.get(row[0])
        if known is None or row[1] < known[1]:
            rows[row[0]] = row
        flows.mark(flow_id, row[9])
    there = _identities("SELECT receipt_identity FROM tracing_receipt", rows)
    ordered = [rows[identity] for identity in sorted(rows)]
    add(columns.RECEIPT, [row for row in ordered if row[0] not in there])
    again = [row for row in ordered if row[0] in there]
    write(columns.RECEIPT, again, columns.EARLIEST_RECEIPT)
    return rows.keys() - there


def _flows_of(identities: Iterable[bytes]) -> dict[bytes, str]:
    found = select(
        "SELECT identity, flow_id FROM tracing_event WHERE identity {among}", sorted(identities)
    )
    return {bytes(identity): flow_id for identity, flow_id in found}


def _identities(sql: str, rows: Mapping[bytes, Row]) -> set[bytes]:
    found = select(f"{sql} WHERE receipt_identity {{among}}", sorted(rows))
    return {bytes(row[0]) for row in found}


def _own_flow(receipt: Envelope) -> str:
    """The flow a receipt names itself, by correlation or trace; empty when it names none."""
    flow_id = receipt.flow_id
    return "" if flow_id == receipt.identity.hex() else flow_id


def _malformed(one: Seen, reason: str, at: datetime) -> Row:
    raw = one.raw or (one.message.data or b"" if isinstance(one.message, Envelope) else b"")
    return (
        one.broker,
        one.stream,
        one.position,
        storable(reason)[:500],
        raw[:RAW_BYTES],
        len(raw),
        moment(at),
    )
