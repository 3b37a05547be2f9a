"""Counters of letters and replays for the metrics: what is settled is summed once a batch."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Sum
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from dlq import classes
from dlq.models import Group, Replay
from dlq.words import SETTLED_ITEMS, ItemState, ReplayState

LIVE = (ReplayState.PLANNED, ReplayState.RUNNING, ReplayState.PAUSED)


@dataclass(frozen=True, slots=True)
class Totals:
    """Letters by (broker, consumer), members of replays by state."""

    letters: dict[tuple[str, str], int]  # ever
    open_letters: dict[tuple[str, str], int]
    members: dict[str, int]


def totals() -> Totals:
    """As of now: costs the number of groups and of replays, not of letters and members."""
    rows = list(
        Group.objects.order_by("broker", "consumer")
        .values_list("broker", "consumer")
        .annotate(ever=Sum("letters"), open=Sum("open_letters"))
    )
    members: Counter[str] = Counter()
    for counts in Replay.objects.exclude(state__in=LIVE).values_list("plan__outcomes", flat=True):
        members.update(counts or {})
    live = classes.accounts(list(Replay.objects.filter(state__in=LIVE[1:])))
    for account in live.values():
        members.update({state.value: number for state, number in account.items()})
    return Totals(
        letters={(broker, consumer): ever for broker, consumer, ever, _ in rows},
        open_letters={(broker, consumer): count for broker, consumer, _, count in rows},
        members={state.value: members[state.value] for state in ItemState},
    )


def families() -> Iterator[Metric]:
    """The totals as metrics."""
    now = totals()
    place = ("broker", "group")
    ever = CounterMetricFamily(
        "cascade_dead_letters_taken", "Dead letters taken in, ever.", labels=place
    )
    waiting = GaugeMetricFamily(
        "cascade_dead_letters_open", "Dead letters that are not settled.", labels=place
    )
    for key, count in now.letters.items():
        ever.add_metric(key, count)
        waiting.add_metric(key, now.open_letters[key])
    outcomes = CounterMetricFamily(
        "cascade_replay_outcomes", "Members of replays with an outcome.", labels=("outcome",)
    )
    flying = GaugeMetricFamily(
        "cascade_replay_members", "Members of replays without an outcome.", labels=("state",)
    )
    for state, count in now.members.items():
        family = outcomes if ItemState(state) in SETTLED_ITEMS else flying
        family.add_metric((state,), count)
    yield from (ever, waiting, outcomes, flying)
