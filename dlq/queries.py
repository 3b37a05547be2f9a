"""What pages, the API and other features read of dead letters. Nothing here writes."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Max, Min, Q, QuerySet, Sum
from django.db.models.functions import TruncMinute

from dlq.filters import GroupFilter, LetterFilter
from dlq.models import Death, Group, Item, Letter
from dlq.stages import heard
from dlq.words import OPEN_LETTERS, ItemState, ReplayState
from kit import clock
from kit.models import AuditEntry

BY_BLAST = ("-open_amount", "-open_letters", "-id")
BY_LAST = ("-last_at", "-id")
BY_DEATH = ("-died_at", "-id")
TREND = timedelta(hours=1)
TREND_SLOTS = 30  # two minutes each
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """The open letters of one consumer."""

    broker: str
    consumer: str
    letters: int
    amount: Decimal
    currency: str  # "" when nothing is known of the money
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Reach:
    """What waits because of one group."""

    orders: int  # distinct; a letter without an order counts as one
    since: datetime | None  # the first death among the open letters


def reach(group_id: int) -> Reach:
    """The orders that the open letters of a group hold up; costs its open letters."""
    open_letters = Letter.objects.filter(group_id=group_id, state__in=OPEN_LETTERS)
    found = open_letters.aggregate(
        orders=Count("label", distinct=True, filter=~Q(label="")),
        others=Count("id", filter=Q(label="")),
        since=Min("first_died_at"),
    )
    return Reach(found["orders"] + found["others"], found["since"])


def flows_with_open_letters(flow_ids: Sequence[str]) -> set[str]:
    """Those of these flows whose cascade somebody may still need to mend a letter."""
    found = Letter.objects.filter(flow_id__in=flow_ids, settled_at__isnull=True)
    return set(found.values_list("flow_id", flat=True))


def groups(filter: GroupFilter) -> "QuerySet[Group]":
    """The groups that match, in no order; give them to kit.pages.page."""
    return filter.apply(Group.objects.select_related("assignee"))


def group(group_id: int) -> Group | None:
    """One group, or None."""
    return Group.objects.select_related("assignee").filter(pk=group_id).first()


def letters(filter: LetterFilter) -> "QuerySet[Letter]":
    """The letters that match, without payloads and stacks; give them to kit.pages.page."""
    return filter.apply(Letter.objects.defer("payload", "error_stack", "headers"))


def letter(letter_id: int) -> Letter | None:
    """One letter with its group, or None."""
    return Letter.objects.select_related("group").filter(pk=letter_id).first()


def open_counts() -> tuple[int, int]:
    """Groups with open letters that are not muted, and the open letters of all of them."""
    found = Group.objects.filter(heard(clock.now()), open_letters__gt=0).aggregate(
        groups=Count("pk"), letters=Sum("open_letters")
    )
    return found["groups"], found["letters"] or 0


def open_by_consumer() -> list[Standing]:
    """Consumers with open letters, most letters first; one row a currency."""
    found = (
        Group.objects.filter(open_letters__gt=0)
        .values("broker", "consumer", "currency")
        .annotate(letters=Sum("open_letters"), amount=Sum("open_amount"), last=Max("last_at"))
        .order_by("-letters", "consumer")
    )
    return [
        Standing(
            broker=row["broker"],
            consumer=row["consumer"],
            letters=row["letters"],
            amount=row["amount"],
            currency=row["currency"],
            last_at=row["last"],
        )
        for row in found
    ]


def consumers() -> list[str]:
    """Consumers that ever gave a letter up, sorted."""
    return sorted(Group.objects.values_list("consumer", flat=True).distinct())


def trends(
    group_ids: Sequence[int], slots: int = TREND_SLOTS, span: timedelta = TREND
) -> dict[int, list[int]]:
    """Deaths of each group in the last hour, oldest slot first. Costs what died in that time."""
    until = clock.now().replace(second=0, microsecond=0) + MINUTE
    since = until - span
    counts: dict[int, list[int]] = defaultdict(lambda: [0] * slots)
    found = (
        Death.objects.filter(died_at__gte=since, letter__group_id__in=group_ids)
        .annotate(minute=TruncMinute("died_at", tzinfo=UTC))
        .values_list("letter__group_id", "minute")
        .annotate(number=Count("letter_id", distinct=True))
    )
    for group_id, minute, number in found:
        counts[group_id][_slot(minute, since, span / slots, slots)] += number
    return {group_id: counts[group_id] for group_id in group_ids}


def _slot(minute: datetime, since: datetime, width: timedelta, slots: int) -> int:
    return max(0, min(slots - 1, int((minute - since) / width)))


def releases(group_id: int) -> list[str]:
    """The releases whose processes gave letters of this group up, sorted; "" is left out."""
    found = Letter.objects.filter(group_id=group_id).exclude(release="")
    return sorted(found.order_by().values_list("release", flat=True).distinct()[:20])


def running_replay(letter_id: int) -> int | None:
    """The replay at work that has this letter still to send, by number."""
    found = Item.objects.filter(
        letter_id=letter_id, state=ItemState.WAITING, replay__state=ReplayState.RUNNING
    )
    return found.values_list("replay_id", flat=True).first()


def items_of(letter_id: int) -> list[Item]:
    """The replays a letter was part of, newest first."""
    found = Item.objects.filter(letter_id=letter_id).select_related("replay", "revision")
    return list(found.order_by("-id")[:20])


def neighbours(filter: LetterFilter, here: Letter) -> tuple[int | None, int | None]:
    """The letters just newer and just older than this one in a filtered list, by number."""
    found = filter.apply(Letter.objects.exclude(pk=here.pk))
    same = Q(died_at=here.died_at)
    newer = found.filter(Q(died_at__gt=here.died_at) | same & Q(pk__gt=here.pk))
    older = found.filter(Q(died_at__lt=here.died_at) | same & Q(pk__lt=here.pk))
    return (
        newer.order_by("died_at", "pk").values_list("pk", flat=True).first(),
        older.order_by("-died_at", "-pk").values_list("pk", flat=True).first(),
    )


def log_of(replay_id: int) -> list[AuditEntry]:
    """What was done to a replay, newest first."""
    found = AuditEntry.objects.filter(target_kind="replay", target_id=str(replay_id))
    return list(found.order_by("-id")[:12])
