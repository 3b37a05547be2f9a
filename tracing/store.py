"""The only writer of what was seen: events, appearances, receipts, malformed messages.

`put` works within the caller's transaction. Whatever the order in which the same messages
come in, the same rows result (promise 10): an event is what its earliest appearance says, and
what refers to an event that has not come yet is completed when it comes.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
from django.db import connection

from brokers.config import Keys
from tracing import columns
from tracing.bulk import IGNORE, Row, add_new, change, read_moment, run, select, write
from tracing.prepare import RAW_BYTES, Flows, Prepared, Seen, prepare, refused, seen

__all__ = ["RAW_BYTES", "Prepared", "Seen", "Taken", "prepare", "put", "refused", "seen", "take"]

_FLOW = columns.RECEIPT.columns.index("flow_id")
_STARTED_AT = columns.RECEIPT.columns.index("started_at")
_OF = columns.RECEIPT.columns.index("identity")
_KNOWN = "identity, published_at, body_hash, flow_id, broker, stream, position"


class Taken(msgspec.Struct, frozen=True):
    """How many messages said something new, how many were known, how many are no envelope.

    `new` holds the identities of the new events and receipts.
    """

    accepted: int
    duplicates: int
    malformed: int
    new: frozenset[bytes] = frozenset()


def take(entries: Sequence[Seen], *, keys: Keys, received_at: datetime | None = None) -> Taken:
    """Store these messages within the caller's transaction; `keys`: kinds to JSON pointers."""
    return put(prepare(entries, keys=keys, received_at=received_at))


def put(ready: Prepared) -> Taken:
    """Store what was made ready, within the caller's transaction."""
    if not connection.in_atomic_block:
        raise RuntimeError("store.put needs the caller's transaction")
    flows = Flows()
    flows.started.update(ready.flows.started)
    new = _put_events(ready, flows) | _put_receipts(ready.receipts, flows)
    write(columns.MALFORMED, ready.malformed, IGNORE)
    write(columns.FLOW, flows.rows(ready.received_at), columns.MARK_DIRTY)
    return Taken(
        accepted=len(new),
        duplicates=ready.messages - len(new),
        malformed=len(ready.malformed),
        new=frozenset(new),
    )


def _put_events(ready: Prepared, flows: Flows) -> set[bytes]:
    """Write events, where they were seen, and their keys; the identities that are new."""
    rows = ready.events
    if not rows:
        return set()
    found = add_new(columns.EVENT, [rows[identity] for identity in sorted(rows)], _KNOWN)
    known = {bytes(row[0]): row for row in found}
    earlier = _put_earlier(rows, known, flows)
    _put_payloads(ready.payloads)
    elsewhere = [
        columns.appearance_of(rows[identity])
        for identity, there in known.items()
        if columns.place_of(rows[identity]) != there[-3:]
    ]
    places = sorted([*ready.further, *elsewhere], key=lambda row: row[:4])
    write(columns.APPEARANCE, places, IGNORE)
    write(columns.FLOW_KEY, sorted(ready.keys), columns.OWN_KEY)
    told = {key: row for key, row in rows.items() if key not in known or key in earlier}
    _complete_receipts(told, flows)
    return rows.keys() - known


def _put_earlier(
    rows: Mapping[bytes, Row], known: Mapping[bytes, Row], flows: Flows
) -> frozenset[bytes]:
    """Let these rows stand for those known events that they are earlier than; which those are."""
    earlier = [
        identity
        for identity, there in sorted(known.items())
        if columns.rank_of(rows[identity])
        < columns.rank(read_moment(there[1]), bytes(there[2]), there[-3:])
    ]
    run(columns.KEEP_APPEARANCE, earlier)
    write(columns.EVENT, [rows[identity] for identity in earlier], columns.EARLIEST)
    for identity in earlier:
        flows.mark(known[identity][3], rows[identity][1])
    return frozenset(earlier)


def _put_payloads(payloads: Mapping[tuple[bytes, bytes], Row]) -> None:
    """Write large bodies, each in a statement of its own: together they may be hundreds of MB."""
    for key in sorted(payloads):
        write(columns.PAYLOAD, [payloads[key]], IGNORE)


def _complete_receipts(events: Mapping[bytes, Row], flows: Flows) -> None:
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


def _put_receipts(receipts: Mapping[bytes, Row], flows: Flows) -> set[bytes]:
    """Write receipts; the identities of those that are new."""
    if not receipts:
        return set()
    flow_of = _flows_of({row[_OF] for row in receipts.values()})
    rows: dict[bytes, Row] = {}
    for identity in sorted(receipts):
        row = receipts[identity]
        flow_id = flow_of.get(row[_OF])
        if flow_id and flow_id != row[_FLOW]:
            row = (*row[:_FLOW], flow_id, *row[_FLOW + 1 :])
        rows[identity] = row
        flows.mark(row[_FLOW], row[_STARTED_AT])
    found = add_new(columns.RECEIPT, list(rows.values()), "receipt_identity")
    there = {bytes(row[0]) for row in found}
    again = [row for identity, row in rows.items() if identity in there]
    write(columns.RECEIPT, again, columns.EARLIEST_RECEIPT)
    return rows.keys() - there


def _flows_of(identities: Iterable[bytes]) -> dict[bytes, str]:
    found = select(
        "SELECT identity, flow_id FROM tracing_event WHERE identity {among}", sorted(identities)
    )
    return {bytes(identity): flow_id for identity, flow_id in found}
