"""The list of groups, and one group with its letters."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from dlq import queries, wording
from dlq.filters import ALL, MUTED, OPEN, SETTLED, GroupFilter, LetterFilter
from dlq.models import Group, Letter
from dlq.stacks import top_own_frame
from dlq.stages import stage_now
from dlq.views import table
from dlq.views.common import field, rights
from dlq.words import LetterState, Stage
from kit import clock, deployments, pages
from kit.live import respond, wanted_region
from kit.models import User
from kit.permissions import Permission, Role
from kit.security import require

MOST_PEOPLE = 200
MUTES = (  # value of a form -> words
    ("1h", "for an hour"),
    ("8h", "for eight hours"),
    ("24h", "for a day"),
    ("7d", "for a week"),
    ("10", "until 10 more died"),
    ("100", "until 100 more died"),
)
TONE = "--c-bad-fill"  # of bars that are deaths
SORTS = (("blast", "by blast radius"), ("last", "by last death"))
GROUP_STATES = ((OPEN, "Open"), (MUTED, "Muted"), (SETTLED, "Settled"), (ALL, "All"))
STAGES = (("", "Any stage"), *((stage.value, stage.value.capitalize()) for stage in Stage))
LETTER_STATES = (
    (OPEN, "Open"),
    *((state.value, _word) for state, _word in (
        (LetterState.DEAD, "Waiting"),
        (LetterState.REPLAYING, "Replaying"),
        (LetterState.MAYBE_SENT, "Maybe sent"),
        (LetterState.MENDED, "Mended"),
        (LetterState.DISCARDED, "Discarded"),
    )),
    (ALL, "All"),
)  # fmt: skip


@require(Permission.READ)
def groups(request: HttpRequest) -> HttpResponse:
    """Groups by blast radius or by their last death."""
    chosen = GroupFilter.from_query(request.GET)
    sort = "last" if request.GET.get("sort") == "last" else "blast"
    order = queries.BY_LAST if sort == "last" else queries.BY_BLAST
    page = pages.page(queries.groups(chosen), order, request.GET.get("cursor", ""))
    trends = queries.trends([group.pk for group in page.items])
    context = {
        "section": "letters",
        "filter": chosen,
        "sort": sort,
        "page": page,
        "rows": [_row(group, trends[group.pk]) for group in page.items],
        "standings": queries.open_by_consumer(),
        "fields": [
            field("state", "State", chosen.state, GROUP_STATES),
            field(
                "consumer",
                "Consumer",
                chosen.consumer,
                (("", "All consumers"), *((name, name) for name in queries.consumers())),
            ),
            field("stage", "Stage", chosen.stage, STAGES),
            field("sort", "Order", sort, SORTS),
        ],
    }
    return respond(request, "dlq/groups.html", {"groups": "dlq/_groups.html"}, context)


@require(Permission.READ)
def group(request: HttpRequest, group_id: int) -> HttpResponse:
    """One group: its cause, its trend, its letters and what to do with them."""
    found = queries.group(group_id)
    if found is None:
        raise Http404("no such group")
    chosen = LetterFilter.from_query(request.GET).of_group(group_id)
    regions = {
        "group-now": "dlq/_group_now.html",
        "letters": "dlq/_letters.html",
        "fresh": "dlq/_fresh.html",
    }
    context: dict[str, Any] = {"section": "letters", "group": found, "filter": chosen}
    context |= rights(request)
    region = wanted_region(request, regions)
    if region == regions["fresh"]:
        context |= table.fresh(request, chosen)
    if region in (None, regions["group-now"]):
        context |= _now(found)
    if region in (None, regions["letters"]):
        context |= table.letters(request, chosen)
    context["fields"] = [field("state", "State", chosen.state, LETTER_STATES)]
    return respond(request, "dlq/group.html", regions, context)


def _row(group: Group, trend: list[int]) -> dict[str, Any]:
    return {
        "group": group,
        "cause": wording.cause(group.error_type, group.message, group.frame),
        "trend": trend,
        "words": _trend_words(trend),
        "state": _state(group),
        "tone": "bad" if group.open_letters and sum(trend[-5:]) > 4 else "idle",
    }


def _state(group: Group) -> str:
    """What people said of it; without a word of theirs whether letters wait."""
    stage = stage_now(group, clock.now())
    if stage is not Stage.OPEN:
        return stage.value
    return "open" if group.open_letters else "settled"


def _people() -> list[str]:
    """Who a group can be assigned to: at most MOST_PEOPLE, by name."""
    able = (Role.OPERATOR.value, Role.ADMIN.value)
    people = User.objects.filter(is_active=True, role__in=able).order_by("username")
    return list(people.values_list("username", flat=True)[:MOST_PEOPLE])


def _trend_words(trend: list[int]) -> str:
    total = sum(trend)
    return f"{total} died in the last hour" if total else "none died in the last hour"


def _now(group: Group) -> dict[str, Any]:
    """What moves on a group's page beside its letters."""
    deaths = queries.trends([group.pk], slots=60)[group.pk]
    until = clock.now().replace(second=0, microsecond=0) + queries.MINUTE
    start = int((until - queries.TREND).timestamp())
    newest = (
        Letter.objects.filter(group=group).defer("payload", "headers").order_by("-died_at").first()
    )
    return {
        "sentence": wording.sentence(group.consumer, group.error_type, group.message, group.frame),
        "state": _state(group),
        "people": _people(),
        "deployed": deployments.last_before(group.consumer, group.first_at),
        "mutes": MUTES,
        "releases": queries.releases(group.pk),
        "frame": top_own_frame(newest.error_stack) if newest else None,
        "rate": sum(deaths[-6:-1]) / 5,
        "words": _trend_words(deaths),
        "since": until - queries.TREND,
        "until": until,
        "chart": {
            # one more moment, so that the last bar has its width
            "x": [start + 60 * at for at in range(61)],
            "axis": 22,
            "range": [0, max(4, *deaths)],
            "marks": deployments.marks(until - queries.TREND, until),
            "series": [{"name": "deaths", "y": [*deaths, None], "bars": 1, "tone": TONE}],
        },
    }
