"""The classes of a plan and what is chosen for each; the account: every member in one state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Case, CharField, Count, F, Q, Sum, Value, When

from dlq import states
from dlq.choices import FIXED, choice_of, state_of
from dlq.fates import COLUMNS, Found, Member, fates
from dlq.models import Item, Replay
from dlq.words import Choice, Fate, ItemState, LetterState, ReplayState
from kit import clock
from kit.writes import writing

SLICE = 500  # members classified in one transaction
UNSTARTED = (ItemState.WAITING, ItemState.STAYS, ItemState.HELD)


@dataclass(slots=True)
class Class:
    """Members of a plan that share a fate; money by currency."""

    name: Fate
    choice: Choice
    letters: int = 0
    amounts: dict[str, Decimal] = field(default_factory=dict)
    examples: list[str] = field(default_factory=list)  # why, in words; at most three


def classify(replay_id: int, size: int = SLICE) -> bool:
    """Classify the next members; whether all of them are. Asked by two at once, nothing breaks."""
    replay = Replay.objects.get(pk=replay_id)
    if replay.plan["classified_at"]:
        return True
    rows = Item.objects.filter(replay=replay, pk__gt=replay.plan["classified_to"])
    members = [Member(*row) for row in rows.order_by("pk").values_list(*COLUMNS)[:size]]
    found = fates(members, replay_id, clock.now())
    with writing():
        return _note(replay_id, members, found, is_last=len(members) < size)


def classify_all(replay_id: int, slices: int = 2) -> bool:
    """A few slices at once, so that a small plan is whole when it is first shown."""
    return any(classify(replay_id) for _ in range(slices))


def _note(replay_id: int, members: Sequence[Member], found: Found, *, is_last: bool) -> bool:
    """Write what was found, unless another has gone on meanwhile."""
    replay = Replay.objects.select_for_update().get(pk=replay_id)
    plan = replay.plan
    first = members[0].pk if members else 0
    if plan["classified_at"] or (members and plan["classified_to"] >= first):
        return bool(plan["classified_at"])
    _write(members, found, replay.choices)
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


def _write(members: Sequence[Member], found: Found, chosen: Mapping[str, str]) -> None:
    """Class and reason of each, and the state that is chosen for its class."""
    words = {
        member.pk: {"fate": found[member.pk][0].value, "why": found[member.pk][1][:300]}
        for member in members
        if member.pk in found and member.state == ItemState.WAITING
    }
    states.note_items(words)
    for fate in Fate:
        state = ItemState.WAITING if fate is Fate.CHANGED else state_of(fate, chosen)
        ids = [m.pk for m in members if found.get(m.pk, (Fate.READY, ""))[0] is fate]
        if state is not ItemState.WAITING and ids:
            states.move_items(ids, state, at=clock.now())


def choose(replay_id: int, chosen: Mapping[str, str]) -> int:
    """Choose for each class; how many members changed. `chosen` is of all classes, or some.

    Writes by slices of its own, as long as it is a plan; once more, it finishes what a crash left.
    """
    plan = Replay.objects.filter(pk=replay_id, state=ReplayState.PLANNED)
    with writing():
        for replay in plan.select_for_update():
            plan.update(choices={**replay.choices, **chosen})
    changed = 0
    for replay in plan:
        for fate in Fate:
            if fate is not Fate.CHANGED:
                changed += _move(plan_of=replay_id, fate=fate, to=state_of(fate, replay.choices))
    return changed


def _move(plan_of: int, fate: Fate, to: ItemState) -> int:
    others = [state for state in UNSTARTED if state is not to]
    members = Item.objects.filter(replay_id=plan_of, state__in=others, fate=fate)
    changed = 0
    while ids := list(members.values_list("pk", flat=True)[:SLICE]):
        with writing():
            plan = Replay.objects.filter(pk=plan_of, state=ReplayState.PLANNED)
            if not plan.select_for_update().exists():
                break
            changed += len(states.move_items(ids, to, at=clock.now()))
    return changed


def decide(replay_id: int, fate: Fate, *, send: bool) -> int:
    """Let the held members of a class go, or stay; how many those were. By slices of its own."""
    held = Item.objects.filter(replay_id=replay_id, state=ItemState.HELD, fate=fate)
    to = ItemState.WAITING if send else ItemState.STAYS
    moved = 0
    while ids := list(held.values_list("pk", flat=True)[:SLICE]):
        with writing():
            moved += len(states.move_items(ids, to, at=clock.now()))
    return moved


def held(replay_id: int) -> dict[Fate, int]:
    """Members that wait for a person's word, by class."""
    rows = Item.objects.filter(replay_id=replay_id, state=ItemState.HELD).order_by()
    return {Fate(fate): n for fate, n in rows.values_list("fate").annotate(n=Count("pk"))}


def classes(replay: Replay) -> list[Class]:
    """Every class with letters and money, and what is chosen; of the rows of this moment."""
    rows = (
        Item.objects.filter(replay=replay)
        .annotate(kind=_kind())
        .values_list("kind", "letter__currency")
        .annotate(letters=Count("pk"), amount=Sum("letter__amount"))
        .order_by()
    )
    answer = {fate: Class(fate, choice_of(fate, replay.choices)) for fate in Fate}
    for kind, currency, letters, amount in rows:
        found = answer[Fate(kind)]
        found.letters += letters
        if amount is not None:
            found.amounts[currency] = found.amounts.get(currency, Decimal(0)) + amount
    for found in answer.values():
        if found.letters and found.name not in (Fate.READY, Fate.CHANGED):
            found.examples = _examples(replay.pk, found.name)
    return list(answer.values())


def may_choose(fate: Fate) -> bool:
    """Whether there is anything to choose for a class."""
    return fate not in FIXED


def _kind() -> Case:
    """The class of a member that was not started: a letter changed since wins over all."""
    same = Q(letter__version=F("letter_version"), letter__state=LetterState.DEAD)
    return Case(
        When(Q(state=ItemState.CHANGED) | (Q(state__in=UNSTARTED) & ~same), then=Value("changed")),
        default=F("fate"),
        output_field=CharField(),
    )


def _examples(replay_id: int, fate: Fate) -> list[str]:
    found = Item.objects.filter(replay_id=replay_id, fate=fate).order_by("pk")
    return list(found.values_list("why", flat=True)[:3])


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
