"""The list of replays, and one replay: its plan, then its progress."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from dlq import classes
from dlq.models import Item, Replay
from dlq.views import progress
from dlq.views.common import field, rights
from dlq.views.plan_parts import plan_context
from dlq.words import ItemState, ReplayState
from kit import pages
from kit.live import respond, wanted_region
from kit.permissions import Permission
from kit.security import require

STATES = (
    ("", "All states"),
    *((state.value, state.value.capitalize()) for state in ReplayState),
)
PLAN = {"plan": "dlq/_plan.html", "plan-dock": "dlq/_plan_dock.html"}
PROGRESS = {
    "progress": "dlq/_progress.html",
    "outcomes": "dlq/_outcomes.html",
    "account": "dlq/_account.html",
    "members": "dlq/_members.html",
}


@require(Permission.READ)
def replays(request: HttpRequest) -> HttpResponse:
    """All replays, newest first."""
    state = request.GET.get("state", "")
    found = Replay.objects.select_related("group")
    if state in set(ReplayState):
        found = found.filter(state=state)
    page = pages.page(found, ("-id",), request.GET.get("cursor", ""))
    accounts = classes.accounts(page.items)
    context = {
        "section": "replays",
        "page": page,
        "rows": [
            {
                "replay": replay,
                "members": sum(accounts[replay.pk].values()),
                "bar": progress.bar(accounts[replay.pk]),
                "words": progress.words(accounts[replay.pk]),
            }
            for replay in page.items
        ],
        "fields": [field("state", "State", state, STATES)],
        "is_live": any(r.state == ReplayState.RUNNING for r in page.items),
        **rights(request),
    }
    return respond(request, "dlq/replays.html", {"replays": "dlq/_replays.html"}, context)


@require(Permission.READ)
def replay(request: HttpRequest, replay_id: int) -> HttpResponse:
    """The plan while nothing was started, the progress from then on."""
    found = Replay.objects.select_related("group").filter(pk=replay_id).first()
    if found is None:
        raise Http404("no such replay")
    context: dict[str, Any] = {"section": "replays", "replay": found, **rights(request)}
    context["phone_title"] = f"Replay {found.pk}"
    if found.state == ReplayState.PLANNED:
        return respond(request, "dlq/plan.html", PLAN, context | plan_context(request, found))
    region = wanted_region(request, PROGRESS)
    if region != PROGRESS["members"]:
        context |= progress.context(found)
    if region in (None, PROGRESS["members"]):
        context |= _members(request, found)
    return respond(request, "dlq/replay.html", PROGRESS, context)


def _members(request: HttpRequest, found: Replay) -> dict[str, Any]:
    """The members that need a look first, or those of one state."""
    state = request.GET.get("show", "")
    items = Item.objects.filter(replay=found).select_related("letter")
    items = items.defer("letter__payload", "letter__headers", "letter__error_stack")
    chosen = [state] if state in set(ItemState) else [s.value for s in progress.LOOK]
    page = pages.page(items.filter(state__in=chosen), ("id",), request.GET.get("cursor", ""))
    may_settle = rights(request)["may_replay"]
    return {
        "listed": page,
        "in_doubt": may_settle and any(x.state == ItemState.MAYBE_SENT for x in page.items),
        "show": state if state in set(ItemState) else "",
        "is_live": progress.is_live(found),
        "items": [progress.row(item) for item in page.items],
    }
