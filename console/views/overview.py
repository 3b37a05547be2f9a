"""The overview: the sentence, what is broken by money, who is behind, what people did."""

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

import dlq.queries
import lag.queries
import tracing.queries
from brokers import config
from console.headline import TROUBLE, Behind, Failing, Headline, Untaken, headline
from dlq import wording
from dlq.filters import GroupFilter
from dlq.models import Group
from kit import clock, deployments
from kit.live import respond, wanted_region
from kit.models import AuditEntry
from kit.permissions import Permission
from kit.security import require
from lag import trail
from lag.models import Standing
from tracing import cursors

WINDOW = timedelta(hours=1)
SPARK_POINTS = 60
GROUPS_SHOWN = 5
CONSUMERS_SHOWN = 5
ACTIONS_SHOWN = 6
SHORTEST_CHART = 15  # minutes
RATE_WINDOW_MIN = 5  # "a minute" is the mean of the last five whole minutes
ICONS = {
    "edit": "pencil",
    "discard": "trash",
    "incident on": "alert-circle",
    "fix deployed": "rocket",
    "logged in": "user",
    "locked out": "lock",
    "token issued": "key",
    "token revoked": "key",
    "mapping saved": "adjustments-horizontal",
    "mapping deleted": "adjustments-horizontal",
}
REGIONS = {
    "headline": "console/_headline.html",
    "groups": "console/_groups.html",
    "consumers": "console/_consumers.html",
    "throughput": "console/_throughput.html",
    "actions": "console/_actions.html",
}
# What each region is drawn from; the headline sums the others up.
NEEDS = {
    "headline": (REGIONS["headline"],),
    "groups": (REGIONS["headline"], REGIONS["groups"]),
    "consumers": (REGIONS["headline"], REGIONS["consumers"]),
    "throughput": (REGIONS["headline"], REGIONS["throughput"]),
    "actions": (REGIONS["actions"],),
}


@require_GET
@require(Permission.READ)
def overview(request: HttpRequest) -> HttpResponse:
    """One page, five live regions; each costs what it shows."""
    region = wanted_region(request, REGIONS)
    wanted = set(NEEDS) if region is None else {n for n in NEEDS if region in NEEDS[n]}
    context: dict[str, Any] = {"section": "overview", "now": clock.now()}
    if "groups" in wanted:
        context |= _groups()
    if "consumers" in wanted:
        context |= _consumers(_worst_of_each())
    if "throughput" in wanted:
        context |= _throughput(_minutes(context["now"]))
    if "actions" in wanted:
        context["actions"] = _actions()
    if "headline" in wanted:
        context["headline"] = _headline(context)
    return respond(request, "console/overview.html", REGIONS, context)


def _headline(known: dict[str, Any]) -> Headline:
    groups: list[Group] = known["open_groups"]
    return headline(
        _failing(groups[0]) if groups else None,
        max(0, known["group_count"] - 1),
        [Behind(s.consumer, s.verdict, s.oldest_s, s.messages) for s in known["worst"]],
        seen_any=tracing.queries.seen_any(),
        now=known["now"],
        untaken=known["untaken"],
    )


def _failing(group: Group) -> Failing:
    reach = dlq.queries.reach(group.pk)
    return Failing(
        consumer=group.consumer,
        since=reach.since or group.first_at,
        release=group.first_release,
        orders=reach.orders,
        amount=group.open_amount or None,
        currency=group.currency,
        url=reverse("dlq:group", args=[group.pk]),
    )


def _untaken() -> Untaken:
    """Dead letters that lay on their queue before its reading began."""
    tapped = {broker.name for broker in config.current().brokers if broker.tap}
    queues = [
        (one.broker, one.stream, one.messages)
        for one in lag.queries.depths()
        if one.messages and one.broker not in tapped
    ]
    left = cursors.left_out((broker, stream) for broker, stream, _ in queues) if queues else {}
    there = [(left.get((broker, stream), n), n) for broker, stream, n in queues]
    # of a queue whose older entries were not counted there is one at least
    return Untaken(
        letters=sum(1 if older is None else min(older, n) for older, n in there),
        counted=all(older is not None for older, _ in there),
    )


def _groups() -> dict[str, Any]:
    by_blast = dlq.queries.groups(GroupFilter()).order_by(*dlq.queries.BY_BLAST)
    shown = list(by_blast[:GROUPS_SHOWN])
    trends = dlq.queries.trends([group.pk for group in shown])
    group_count, letter_count = dlq.queries.open_counts()
    return {
        "open_groups": shown,
        "groups": [(group, _cause(group), trends[group.pk]) for group in shown],
        "group_count": group_count,
        "letter_count": letter_count,
        "untaken": _untaken(),
    }


def _cause(group: Group) -> str:
    return wording.cause(group.error_type, group.message, group.frame)


def _consumers(consumers: list[Standing]) -> dict[str, Any]:
    looked_at = (*TROUBLE, "unknown", "gone")
    bad = [one for one in consumers if one.verdict in looked_at]
    fine = [one for one in consumers if one.verdict not in looked_at]
    ages = [one.oldest_s for one in fine if one.oldest_s is not None]
    return {
        "worst": consumers,
        "consumers": [
            (one, trail.thinned(one.trail, SPARK_POINTS)) for one in bad[:CONSUMERS_SHOWN]
        ],
        "fine": fine,
        "fine_oldest_s": max(ages, default=0.0),
        "consumer_count": len(consumers),
    }


def _worst_of_each() -> list[Standing]:
    """Every consumer once, by the topic on which it stands worst; worst first."""
    worst: dict[tuple[str, str], Standing] = {}
    for one in lag.queries.standings():
        worst.setdefault((one.broker, one.consumer), one)
    return list(worst.values())


def _minutes(now: datetime) -> list[tuple[datetime, int, int]]:
    until = now.replace(second=0, microsecond=0)
    return tracing.queries.throughput(until - WINDOW, until)


def _throughput(minutes: list[tuple[datetime, int, int]]) -> dict[str, Any]:
    # The minutes before the first event say nothing: they are gaps, not zeros, and the hour is
    # shown in full only when there is an hour to show.
    begun = next((at for at, (_, came, _) in enumerate(minutes) if came), len(minutes))
    minutes = minutes[max(0, min(begun, len(minutes) - SHORTEST_CHART)) :]
    started = [came for _, came, _ in minutes]
    ended = [went for _, _, went in minutes]
    first = next((at for at, came in enumerate(started) if came), len(started))
    recent = slice(max(first, len(minutes) - RATE_WINDOW_MIN), None)
    return {
        "rate_in": _mean(started[recent]),
        "rate_out": _mean(ended[recent]),
        "chart": {
            "x": [int(at.timestamp()) for at, _, _ in minutes],
            "series": [
                {"name": "in", "y": [None] * first + started[first:], "tone": "--c-work"},
                {
                    "name": "finished",
                    "y": [None] * first + ended[first:],
                    "tone": "--c-work",
                    "dash": [4, 3],
                },
            ],
            "bands": [{"series": [1, 2], "tone": "--c-bad-fill"}],
            "marks": _deployed(minutes),
        },
    }


def _deployed(minutes: list[tuple[datetime, int, int]]) -> list[dict[str, Any]]:
    if not minutes:
        return []
    return deployments.marks(minutes[0][0], minutes[-1][0] + timedelta(minutes=1))


def _mean(counts: list[int]) -> float | None:
    return sum(counts) / len(counts) if counts else None


def _actions() -> list[tuple[AuditEntry, str]]:
    entries = AuditEntry.objects.order_by("-id")[:ACTIONS_SHOWN]
    return [(entry, action_icon(entry.action)) for entry in entries]


def action_icon(action: str) -> str:
    """The icon of an action of the audit."""
    return ICONS.get(action, "repeat" if "replay" in action else "history")
