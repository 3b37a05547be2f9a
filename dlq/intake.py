"""The only creator of letters: entries of dead-letter queues become letters and deaths.

Which letter a death belongs to (DESIGN, hard parts), first that holds: our replay stamp; the
quoted original position, matched with known deaths and with positions our replays returned; topic,
consumer, source and id; and without any of these, the position itself. Entries may come in any
order, again, and before the event they are about; the rows are the same in the end.
"""

from collections.abc import Iterable, Sequence

from brokers import config as configuration
from brokers import discovery
from brokers.contract import Entry
from dlq import arrivals, deaths, matching, payloads
from dlq.arrivals import Arrival
from dlq.models import Group, Letter
from kit import clock
from tracing.envelope import Rules


def take(entries: Sequence[Entry], rules: Rules | None = None) -> int:
    """Take in at most kit.limits.TRANSACTION_ROWS entries, in the caller's transaction.

    `rules` are those by which their events were read; without them, the configuration's alone.
    Returns how many copies were new.
    """
    found = _read(entries, rules)
    known = matching.known_copies(found)
    deaths.reopen([copy for copy in known.values() if copy.removed_at is not None])
    fresh = [arrival for arrival in found if arrival.copy not in known]
    if not fresh:
        return 0
    of = matching.letters_of(fresh)
    groups = _groups(fresh)
    missing = [arrival for arrival in fresh if arrival.copy not in of]
    of |= _create(missing, groups)
    deaths.add(fresh, of, groups)
    return len(fresh)


def _read(entries: Iterable[Entry], rules: Rules | None) -> list[Arrival]:
    """Each copy once, oldest death first: so a letter is made from its first death."""
    config, now = configuration.current(), clock.now()
    rules = rules or Rules(config.keys, config.mappings)
    brokers = {broker.name: broker for broker in config.brokers}
    seen: dict[tuple[str, str, str], Arrival] = {}
    for entry in entries:
        broker = brokers.get(entry.broker)
        role = discovery.role_of(entry.stream, broker) if broker else None
        arrival = arrivals.read(entry, config, rules, role.consumer if role else "", now)
        seen.setdefault(arrival.copy, arrival)
    return sorted(seen.values(), key=lambda a: (a.died_at, a.copy))


def _groups(fresh: Iterable[Arrival]) -> dict[str, Group]:
    """The group of each fingerprint, made where it is new. Groups are locked by no one here."""
    wanted: dict[str, Group] = {}
    for arrival in fresh:
        wanted.setdefault(
            arrival.cause.key,
            Group(
                fingerprint=arrival.cause.key,
                broker=arrival.broker,
                consumer=arrival.consumer,
                error_type=arrival.error_type,
                frame=arrival.cause.frame,
                message=arrival.cause.message,
                first_at=arrival.died_at,
                last_at=arrival.died_at,
                first_release=arrival.marks.release[:80],
            ),
        )
    Group.objects.bulk_create([wanted[key] for key in sorted(wanted)], ignore_conflicts=True)
    return {group.fingerprint: group for group in Group.objects.filter(fingerprint__in=wanted)}


def _create(
    missing: Iterable[Arrival], groups: dict[str, Group]
) -> dict[tuple[str, str, str], int]:
    """A letter for each new identity: copy -> letter. Another tap may have made it meanwhile."""
    copies: dict[tuple[str, str, str], str] = {}
    first: dict[str, Arrival] = {}
    for arrival in missing:
        copies[arrival.copy] = arrival.key
        first.setdefault(arrival.key, arrival)
    made = [_letter(first[key], groups) for key in sorted(first)]
    Letter.objects.bulk_create(made, ignore_conflicts=True)
    ids = dict(Letter.objects.filter(identity_key__in=first).values_list("identity_key", "pk"))
    return {copy: ids[key] for copy, key in copies.items()}


def _letter(arrival: Arrival, groups: dict[str, Group]) -> Letter:
    """The row of a new letter with its first death, which `deaths.add` then keeps as a row."""
    return Letter(
        group=groups[arrival.cause.key],
        identity_key=arrival.key,
        broker=arrival.broker,
        consumer=arrival.consumer,
        topic=arrival.topic,
        event_identity=arrival.identity,
        source=arrival.source,
        event_id=arrival.event_id,
        type=arrival.type,
        flow_id=arrival.flow_id,
        lane=arrival.lane,
        label=arrival.label,
        amount=arrival.amount,
        currency=arrival.currency,
        content_type=arrival.content_type,
        body_field=arrival.body_field,
        headers=arrival.headers,
        payload=arrival.payload,
        payload_size=len(arrival.payload or b""),
        has_json=payloads.is_searchable(arrival.payload),
        first_died_at=arrival.died_at,
        **deaths.newest(arrival),
    )
