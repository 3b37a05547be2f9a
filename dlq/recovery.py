"""What a crash left claimed: the broker's marker is asked before anything is sent again.

marker there                                  sent: its position is known
no marker, a copy still queued, durable       not sent: sent now, with the same attempt; in a
                                              cancelled batch withdrawn, in a paused one left
otherwise                                     maybe sent: a person settles it (promise 4)
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from brokers.contract import Placement, SendResult, Sent, Target
from brokers.redis_replay import RedisReplay
from dlq import sending, states, sweeping
from dlq.leases import LEASE, Lease, fenced
from dlq.models import Item, Replay
from dlq.sending import Member, Outcome
from dlq.targets import Route, Routes, replayer
from dlq.words import ItemState, LetterState, ReplayState
from kit import clock

SLICE = 200


def left_claimed(replay_id: int | None = None) -> list[int]:
    """The batches with items whose lease ended, whatever state the batch is in."""
    found = Item.objects.filter(state=ItemState.SENDING, lease_until__lt=clock.now())
    if replay_id is not None:
        found = found.filter(replay_id=replay_id)
    return sorted(found.order_by().values_list("replay_id", flat=True).distinct())


def recover(lease: Lease, replay: Replay) -> int:
    """Find out about the items whose lease ended, and finish them; how many.

    Raises Lost, BrokerError, Refused; the items then keep their place in the next round.
    """
    items = _take_over(lease)
    if not items:
        return 0
    members = sending.load(items, replay.plan["token"])
    by: dict[str, list[Member]] = defaultdict(list)
    for member in members:
        by[member.kind.broker].append(member)
    routes = Routes()
    for broker, mine in by.items():
        _of_broker(lease, replay, broker, mine, routes)
    return len(items)


def _take_over(lease: Lease) -> list[int]:
    now = clock.now()
    with fenced(lease):
        mine = Item.objects.filter(
            replay_id=lease.replay_id, state=ItemState.SENDING, lease_until__lt=now
        ).order_by("pk")
        items = list(mine.values_list("pk", flat=True)[:SLICE])
        Item.objects.filter(pk__in=items).update(lease_until=now + LEASE)
    return items


def _of_broker(
    lease: Lease, replay: Replay, broker: str, members: Sequence[Member], routes: Routes
) -> None:
    sends = replayer(broker)
    markers = sends.markers([member.attempt for member in members])
    open_members = [m for m in members if m.attempt not in markers]
    queued = sends.present([place for m in open_members for _, place in m.copies])
    safe, unsure = _sorted_out(open_members, queued, routes.signs(broker).durable)
    sending.record(lease, _sent(members, markers))
    _doubt(lease, unsure, queued)
    if replay.state == ReplayState.RUNNING and safe:
        chosen: Mapping[int, Route] = sending.routes_of(safe, routes)
        outcomes = sending.transmit(safe, chosen, accept_others=replay.accept_others)
        sending.record(lease, outcomes)
    if replay.state == ReplayState.CANCELLED:
        sending.record(lease, _withdrawn(sends, safe))


def _sent(members: Sequence[Member], markers: Mapping[str, Placement]) -> list[Outcome]:
    """The outcomes of those that the broker knows as sent."""
    return [
        Outcome(m, _target(m, markers[m.attempt]), Sent(SendResult.AGAIN, markers[m.attempt]))
        for m in members
        if m.attempt in markers
    ]


def _withdrawn(sends: RedisReplay, members: Sequence[Member]) -> list[Outcome]:
    """Not sent and never to be sent, also not by a worker that stalled before its send."""
    sent = sends.withdraw([member.attempt for member in members])
    never = Sent(SendResult.REFUSED, detail=sweeping.WHY)
    left = [Outcome(m, Target.MARK, never) for m in members if m.attempt not in sent]
    return [*_sent(members, sent), *left]


def _target(member: Member, place: Placement) -> Target:
    """How it was sent, told by where it lies now."""
    if place == Placement(member.kind.stream, member.position):
        return Target.REPEND
    if place.stream != member.kind.stream:
        return Target.RETRY
    return member.claimed if member.claimed in (Target.MARK, Target.TOPIC) else Target.MARK


def _sorted_out(
    members: Sequence[Member], queued: set[Placement], durable: bool
) -> tuple[list[Member], list[Member]]:
    """Those that are surely not sent, and those of which nobody can know."""
    safe: list[Member] = []
    unsure: list[Member] = []
    for member in members:
        is_queued = any(place in queued for _, place in member.copies)
        (safe if is_queued and durable else unsure).append(member)
    return safe, unsure


def _doubt(lease: Lease, members: Sequence[Member], queued: set[Placement]) -> None:
    """A person has to look: visible as maybe sent, and its lane waits."""
    if not members:
        return
    now = clock.now()
    each = {m.item: {"evidence": _why(m, queued)} for m in members}
    with fenced(lease):
        moved = set(
            states.move_items(
                list(each), ItemState.MAYBE_SENT, at=now, each=each, sent_at=now, lease_until=None
            )
        )
        letters = [m.letter for m in members if m.item in moved]
        states.move_letters(letters, LetterState.MAYBE_SENT, at=now)


def _why(member: Member, queued: set[Placement]) -> str:
    if any(place in queued for _, place in member.copies):
        return "a crash in between, and the broker may have lost what it had answered"
    return "a crash in between: its copy is off the queue, and the broker has no mark of the send"
