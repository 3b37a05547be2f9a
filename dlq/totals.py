"""Dead letters and replays as Prometheus metrics; rendered once a round, never in a scrape."""

from collections.abc import Iterator

from django.db.models import Count, Sum
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from dlq.models import Group, Item, Replay
from dlq.words import ReplayState


def families() -> Iterator[Metric]:
    """Letters taken in and open by consumer, replays running, and the outcomes of their items."""
    labels = ("broker", "group")
    taken = CounterMetricFamily(
        "cascade_dead_letters_taken_in", "Dead letters taken in, each once.", labels=labels
    )
    waiting = GaugeMetricFamily(
        "cascade_dead_letters_open", "Dead letters that are not settled.", labels=labels
    )
    rows = Group.objects.values("broker", "consumer").order_by("broker", "consumer")
    for row in rows.annotate(ever=Sum("letters"), now=Sum("open_letters")):
        place = (row["broker"], row["consumer"])
        taken.add_metric(place, row["ever"])
        waiting.add_metric(place, row["now"])
    yield from (taken, waiting)
    yield from _replays()


def _replays() -> Iterator[Metric]:
    running = GaugeMetricFamily("cascade_replays_running", "Replays that are running.")
    running.add_metric((), Replay.objects.filter(state=ReplayState.RUNNING).count())
    settled = CounterMetricFamily(
        "cascade_replay_items_settled",
        "Members of replays by how they ended.",
        labels=("outcome",),
    )
    ended = Item.objects.exclude(settled_at=None).values("state").order_by("state")
    for row in ended.annotate(n=Count("pk")):
        settled.add_metric((row["state"],), row["n"])
    yield from (running, settled)
