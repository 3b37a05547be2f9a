"""The class of each member of a plan, and the account of a replay: every member in one of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Case, CharField, Count, F, Q, Sum, Value, When

from brokers.redis_wire import milliseconds
from dlq import states
from dlq.models import Item, Replay
from dlq.words import ItemState, LetterState, ReplayState
from kit import clock
from kit.writes import writing
from tracing.queries import Member, newer_handled

SLICE = 500  # members classified in one transaction
READY, SUPERSEDED, CHANGED = "ready", "superseded", "changed"


@dataclass(slots=True)
class Class:
    """Members of a plan that share a fate; money by currency."""

    name: str  # ready, superseded, changed
    letters: int = 0
    amounts: dict[str, Decimal] = field(default_factory=dict)
    examples: list[str] = field(default_factory=list)  # why, in words; at most three


def classify(replay_id: int, size: int = SLICE) -> bool:
    """Classify the next members; whether all of them are. Asked by two at once, nothing breaks."""
    replay = Replay.objects.get(pk=replay_id)
    if replay.plan["classified_at"]:
        return True
    found = Item.objects.filter(replay=replay, pk__gt=replay.plan["classified_to"])
    members = [_Member(*row) for row in found.order_by("pk").values_list(*_COLUMNS)[:size]]
    newer = newer_handled([_known(member) for member in members if member.lane])
    with writing():
        return _note(replay_id, members, newer, is_last=len(members) < size)


def classify_all(replay_id: int, slices: int = 2) -> bool:
    """A few slices at once, so that a small plan is whole when it is first shown."""
    return any(classify(replay_id) for _ in range(slices))


class _Member(NamedTuple):
    """One member with what its class needs."""

    pk: int
    state: str
    lane: str  # its partition key, or ""
    identity: bytes
    consumer: str
    position: str
    first_died_at: datetime

    @property
    def delivery(self) -> tuple[bytes, str]:
        """Which event, by which consumer."""
        return bytes(self.identity), self.consumer


_COLUMNS = (
    *("pk", "state", "letter__lane", "letter__event_identity", "letter__consumer"),
    *("letter__position", "letter__first_died_at"),
)


def _known(member: _Member) -> Member:
    """What tracing needs to tell whether something newer was handled since."""
    at = published_at(member.position, member.first_died_at)
    return member.lane, bytes(member.identity), at, member.consumer


def published_at(position: str, died_at: datetime) -> datetime:
    """When a message was published: its position says, else its death is the nearest known."""
    try:
        return datetime.fromtimestamp(milliseconds(position) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return died_at


def _note(
    replay_id: int,
    members: Sequence[_Member],
    newer: dict[tuple[bytes, str], str],
    *,
    is_last: bool,
) -> bool:
    """Write what was found, unless another has gone on meanwhile."""
    replay = Replay.objects.select_for_update().get(pk=replay_id)
    plan = replay.plan
    first = members[0].pk if members else 0
    if plan["classified_at"] or (members and plan["classified_to"] >= first):
        return bool(plan["classified_at"])
    words = {
        member.pk: {"superseded_by": newer[member.delivery][:300]}
        for member in members
        if member.delivery in newer and member.state == ItemState.WAITING
    }
    if replay.include_superseded:
        states.note_items(words)
    else:
        states.move_items(list(words), ItemState.SUPERSEDED, at=clock.now(), each=words)
    plan["classified"] += len(members)
    if members:
        plan["classified_to"] = members[-1].pk
    if is_last:
        plan["classified_at"] = clock.rfc3339(clock.now())
    changes: dict[str, object] = {"plan": plan}
    if is_last and replay.state == ReplayState.PLANNED:
        changes["next_step_at"] = None
    Replay.objects.filter(pk=replay_id).update(**changes)
    return is_last


def include(replay_id: int, superseded: bool) -> int:
    """Choose whether superseded members of a plan are sent; how many changed.

    Writes by slices of its own, as long as it is a plan; once more, it finishes what a crash left.
    """
    plan = Replay.objects.filter(pk=replay_id, state=ReplayState.PLANNED)
    with writing():
        plan.update(include_superseded=superseded)
    to = ItemState.WAITING if superseded else ItemState.SUPERSEDED
    before = ItemState.SUPERSEDED if superseded else ItemState.WAITING
    members = Item.objects.filter(replay_id=replay_id, state=before).exclude(superseded_by="")
    changed = 0
    while ids := list(members.values_list("pk", flat=True)[:SLICE]):
        with writing():
            if not plan.select_for_update().exists():
                break
            changed += len(states.move_items(ids, to, at=clock.now()))
    return changed


def classes(replay_id: int) -> list[Class]:
    """Ready, superseded and changed with letters and money; read from the rows of this moment."""
    rows = (
        Item.objects.filter(replay_id=replay_id)
        .annotate(kind=_kind())
        .values_list("kind", "letter__currency")
        .annotate(letters=Count("pk"), amount=Sum("letter__amount"))
        .order_by()
    )
    answer = {name: Class(name) for name in (READY, SUPERSEDED, CHANGED)}
    for kind, currency, letters, amount in rows:
        answer[kind].letters += letters
        if amount is not None:
            known = answer[kind].amounts.get(currency, Decimal(0))
            answer[kind].amounts[currency] = known + amount
    answer[SUPERSEDED].examples = _examples(replay_id)
    return list(answer.values())


def _kind() -> Case:
    """The class of a member that was not started: a letter changed since wins over all."""
    waits = Q(state__in=(ItemState.WAITING, ItemState.SUPERSEDED))
    same = Q(letter__version=F("letter_version"), letter__state=LetterState.DEAD)
    return Case(
        When(Q(state=ItemState.CHANGED) | (waits & ~same), then=Value(CHANGED)),
        When(~Q(superseded_by=""), then=Value(SUPERSEDED)),
        default=Value(READY),
        output_field=CharField(),
    )


def _examples(replay_id: int) -> list[str]:
    found = Item.objects.filter(replay_id=replay_id).exclude(superseded_by="").order_by("pk")
    return list(found.values_list("superseded_by", flat=True)[:3])


def account(replay: Replay) -> dict[ItemState, int]:
    """Members by state, every state named: the sum is the number of members."""
    return accounts([replay])[replay.pk]


def accounts(replays: Sequence[Replay]) -> dict[int, dict[ItemState, int]]:
    """The account of each. Costs the members of those at work: what is over was counted once."""
    counts: dict[int, dict[str, int]] = {
        replay.pk: replay.plan["outcomes"] for replay in replays if "outcomes" in replay.plan
    }
    at_work = [replay.pk for replay in replays if replay.pk not in counts]
    counts |= _counted(at_work)
    return {pk: {s: counts[pk].get(s.value, 0) for s in ItemState} for pk in counts}


def _counted(replay_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    answer: dict[int, dict[str, int]] = {pk: {} for pk in replay_ids}
    found = Item.objects.filter(replay_id__in=replay_ids).order_by()
    for pk, state, members in found.values_list("replay_id", "state").annotate(n=Count("pk")):
        answer[pk][state] = members
    return answer


def note_outcomes(replay_id: int) -> dict[str, int]:
    """Keep the account of a batch that is over with its plan; the account. In a transaction."""
    counts = _counted([replay_id])[replay_id]
    replay = Replay.objects.select_for_update().get(pk=replay_id)
    Replay.objects.filter(pk=replay_id).update(plan={**replay.plan, "outcomes": counts})
    return counts
