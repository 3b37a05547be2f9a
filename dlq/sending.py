"""One slice of sends: claimed and committed, sent in one round trip, and recorded.

The steps are apart so that a crash between any two of them leaves rows that tell where it was:
waiting, sending with its attempt (the broker's marker tells the rest), or sent.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from brokers.contract import Placement, Send, SendResult, Sent, Target
from cascade_client.fields import DATA
from dlq import editing, states
from dlq.among import among
from dlq.leases import LEASE, Lease, fenced
from dlq.models import Death, Item, Letter
from dlq.targets import Kind, Route, Routes, replayer
from dlq.words import ItemState, LetterState, ReplayState
from kit import clock
from tracing.receipts import Report, report_all

ACCEPT = "other consumers read the topic too: accept that they see it"


@dataclass(slots=True)
class Member:
    """One item with what its send needs."""

    item: int
    letter: int
    version: int  # of the letter, at the freeze
    attempt: str
    kind: Kind
    position: str
    identity: bytes
    flow_id: str
    revision: int | None
    has_source: bool  # malformed messages have none: no cascade shows them
    claimed: Target | None  # the target it was claimed for, after a crash
    marks: tuple[str, ...]  # names of the framework's own headers on the copies
    copies: list[tuple[int, Placement]] = field(default_factory=list)  # newest death first
    content: editing.Content | None = None  # only where the server has no copy to send as it is
    origin: dict[str, str] = field(default_factory=dict)
    body_field: str = DATA


@dataclass(frozen=True, slots=True)
class Outcome:
    """A member after its send, and the target that answered last."""

    member: Member
    target: Target
    sent: Sent


def load(item_ids: Sequence[int], token: str) -> list[Member]:
    """The members, in the order of their items; bodies are read only where they are needed."""
    rows = (
        among(Item.objects.all(), "id", item_ids)
        .order_by("pk")
        .values_list(
            *("pk", "letter_id", "letter_version", "revision_id", "replay_id", "attempt"),
            *("letter__broker", "letter__stream", "letter__topic", "letter__consumer"),
            *("letter__position", "letter__event_identity", "letter__flow_id", "letter__source"),
            *("target", "letter__marks"),
        )
    )
    members = {
        row[1]: Member(
            item=row[0],
            letter=row[1],
            version=row[2],
            attempt=row[5] or f"r{row[4]}-{token}-i{row[0]}.{row[2]}",
            kind=Kind(row[6], row[7], bool(row[10]), row[8], row[9], row[3] is not None),
            position=row[10],
            identity=bytes(row[11]),
            flow_id=row[12],
            revision=row[3],
            has_source=bool(row[13]),
            claimed=Target(row[14]) if row[14] else None,
            marks=tuple(row[15]),
        )
        for row in rows
    }
    _add_copies(members)
    _add_contents([m for m in members.values() if m.revision is not None or not m.copies])
    return list(members.values())


def _add_copies(members: Mapping[int, Member]) -> None:
    found = among(Death.objects.filter(removed_at=None), "letter_id", members).order_by("-pk")
    for pk, letter, stream, position in found.values_list("pk", "letter_id", "stream", "position"):
        members[letter].copies.append((pk, Placement(stream, position)))


def _add_contents(members: Sequence[Member]) -> None:
    if not members:
        return
    letters = Letter.objects.in_bulk([member.letter for member in members])
    revisions = {
        item.pk: item.revision
        for item in Item.objects.filter(
            pk__in=[m.item for m in members if m.revision is not None]
        ).select_related("revision")
    }
    for member in members:
        letter = letters[member.letter]
        revision = revisions.get(member.item)
        member.origin, member.body_field = dict(letter.headers), letter.body_field
        payload = None if letter.payload is None else bytes(letter.payload)
        kept = editing.Content(payload, member.origin)
        member.content = editing.content(letter, revision) if revision else kept


def claim(lease: Lease, members: Sequence[Member], routes: Mapping[int, Route]) -> list[Member]:
    """Commit that these are about to be sent; those that may be. Raises Lost.

    A letter changed since the freeze drops out, named (promise 8). The attempt and a re-pended
    entry's place are written before the send: a death that is quicker than us finds its letter.
    """
    now = clock.now()
    with fenced(lease, ReplayState.RUNNING):
        moved = set(
            states.move_letters(
                [member.letter for member in members],
                LetterState.REPLAYING,
                at=now,
                versions={member.letter: member.version for member in members},
            )
        )
        left = [member.item for member in members if member.letter not in moved]
        why = "the letter changed after the plan was frozen"
        states.move_items(left, ItemState.CHANGED, at=now, evidence=why)
        ready = [member for member in members if member.letter in moved]
        _sending(ready, routes, now)
    return ready


def _sending(ready: Sequence[Member], routes: Mapping[int, Route], now: datetime) -> None:
    each = {}
    for member in ready:
        target = routes[member.item].first
        is_repend = target is Target.REPEND
        each[member.item] = {
            "attempt": member.attempt,
            "target": target.value if target else "",
            "sent_stream": member.kind.stream if is_repend else "",
            "sent_position": member.position if is_repend else "",
        }
    states.move_items(list(each), ItemState.SENDING, at=now, each=each, lease_until=now + LEASE)


def transmit(
    members: Sequence[Member], routes: Mapping[int, Route], *, accept_others: bool
) -> list[Outcome]:
    """Send each by the first of its targets that can; nothing is written to the rows here."""
    outcomes: list[Outcome] = []
    waiting = [(member, 0) for member in members]
    while waiting:
        batches: dict[tuple[str, Target], list[tuple[Member, int]]] = defaultdict(list)
        for member, step in waiting:
            targets = routes[member.item].targets
            if step < len(targets):
                batches[member.kind.broker, targets[step]].append((member, step))
            else:
                why = routes[member.item].why if not targets else "the original entry is gone"
                gone = Sent(SendResult.REFUSED, detail=why)
                outcomes.append(Outcome(member, targets[-1] if targets else Target.MARK, gone))
        waiting = []
        for (broker, target), batch in batches.items():
            answers = _send(broker, target, [m for m, _ in batch], routes, accept_others)
            for (member, step), sent in zip(batch, answers, strict=True):
                if sent.result is SendResult.NO_ENTRY:
                    waiting.append((member, step + 1))
                else:
                    outcomes.append(Outcome(member, target, sent))
    return outcomes


def _send(
    broker: str,
    target: Target,
    members: Sequence[Member],
    routes: Mapping[int, Route],
    accept_others: bool,
) -> list[Sent]:
    if target is Target.TOPIC and not accept_others:
        return [Sent(SendResult.REFUSED, detail=ACCEPT) for _ in members]
    sends = [_as_send(member, routes[member.item]) for member in members]
    return replayer(broker).send(target, sends)


def _as_send(member: Member, route: Route) -> Send:
    content = member.content
    return Send(
        attempt=member.attempt,
        consumer=member.kind.consumer,
        stream=member.kind.stream,
        position=member.position,
        sources=[place for _, place in member.copies],
        headers=content.headers if content else {},
        body=content.payload if content else None,
        edited=member.revision is not None,
        origin=member.origin,
        marks=member.marks,
        retry_stream=route.retry_stream,
        body_field=member.body_field,
    )


def record(lease: Lease, outcomes: Sequence[Outcome]) -> bool:
    """Write what became of each; whether the batch waits for a person's acceptance.

    What is unknown stays claimed, with its lease ended: the next slice asks the marker.
    Raises Lost: the worker that has the batch now asks the markers itself.
    """
    now = clock.now()
    by: dict[SendResult, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by[outcome.sent.result].append(outcome)
    refused = [o for o in by[SendResult.REFUSED] if o.sent.detail != ACCEPT]
    waits = [o for o in by[SendResult.REFUSED] if o.sent.detail == ACCEPT]
    with fenced(lease):
        record_sent([*by[SendResult.SENT], *by[SendResult.AGAIN]], now)
        _record_unsent(refused, now)
        _record_gone(by[SendResult.GONE], now)
        _take_back(waits, now)
        unknown = [o.member.item for o in by[SendResult.UNKNOWN]]
        among(Item.objects.filter(state=ItemState.SENDING), "id", unknown).update(lease_until=now)
    return bool(waits)


def record_sent(outcomes: Sequence[Outcome], now: datetime) -> None:
    """These lie at their consumer, and their copies are off the queue. Within a transaction."""
    each = {
        o.member.item: {
            "target": o.target.value,
            "sent_stream": o.sent.placement.stream,
            "sent_position": o.sent.placement.position,
        }
        for o in outcomes
        if o.sent.placement
    }
    moved = set(
        states.move_items(
            list(each), ItemState.SENT, at=now, each=each, sent_at=now, lease_until=None
        )
    )
    members = [o.member for o in outcomes if o.member.item in moved]
    note_removed([pk for member in members for pk, _ in member.copies], now)
    report_all([_replayed(member, now) for member in members if member.has_source])


def _replayed(member: Member, now: datetime) -> Report:
    return Report(
        event_identity=member.identity,
        flow_id=member.flow_id,
        consumer=member.kind.consumer,
        outcome="replayed",
        letter_id=member.letter,
        at=now,
        attempt=member.attempt,
    )


def _record_unsent(outcomes: Sequence[Outcome], now: datetime) -> None:
    """Nothing was sent: the letters wait for an operator again."""
    each = {o.member.item: {"evidence": o.sent.detail[:500]} for o in outcomes}
    states.move_items(list(each), ItemState.UNSENT, at=now, each=each, lease_until=None)
    states.move_letters([o.member.letter for o in outcomes], LetterState.DEAD, at=now)


def _record_gone(outcomes: Sequence[Outcome], now: datetime) -> None:
    """Somebody else took the copies: what the console kept can be sent by a replay anew."""
    why = "its copy was taken off the queue by somebody else; nothing was sent"
    items = [o.member.item for o in outcomes]
    states.move_items(items, ItemState.UNSENT, at=now, evidence=why, lease_until=None)
    states.move_letters([o.member.letter for o in outcomes], LetterState.DEAD, at=now)
    note_removed([pk for o in outcomes for pk, _ in o.member.copies], now)


def _take_back(outcomes: Sequence[Outcome], now: datetime) -> None:
    """Nothing was sent, and it waits for a person: as if it had not been claimed."""
    letters = [o.member.letter for o in outcomes]
    states.move_letters(letters, LetterState.DEAD, at=now)
    versions = dict(Letter.objects.filter(pk__in=letters).values_list("pk", "version"))
    each = {o.member.item: {"letter_version": versions[o.member.letter]} for o in outcomes}
    blank = {"attempt": "", "target": "", "sent_stream": "", "sent_position": ""}
    states.move_items(list(each), ItemState.WAITING, at=now, each=each, lease_until=None, **blank)


def note_removed(deaths: Sequence[int], now: datetime) -> None:
    """These copies are off their queues."""
    among(Death.objects.filter(removed_at=None), "id", deaths).update(removed_at=now)


def routes_of(members: Sequence[Member], routes: Routes) -> dict[int, Route]:
    """The route of each item. Raises BrokerError, Refused."""
    return {member.item: routes.of(member.kind) for member in members}
