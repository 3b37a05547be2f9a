"""One letter: why it died, what it says, what was done about it, and the way out."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from dlq import queries
from dlq.filters import LetterFilter
from dlq.models import Letter
from dlq.targets import observed_only
from dlq.views import letter_parts as parts
from dlq.views import table
from dlq.views.common import rights
from dlq.words import LetterState
from kit.live import respond, wanted_region
from kit.permissions import Permission
from kit.security import require

REGIONS = {
    "letter-head": "dlq/_letter_head.html",
    "letter-dock": "dlq/_letter_dock.html",
    "letter-way": "dlq/_letter_way.html",
    "letter-past": "dlq/_letter_past.html",
}


@require(Permission.READ)
def letter(request: HttpRequest, letter_id: int) -> HttpResponse:
    """The whole page, or the region that polls."""
    found = found_letter(letter_id)
    region = wanted_region(request, REGIONS)
    context = base(request, found)
    if region in (None, REGIONS["letter-past"]):
        context |= parts.past(found)
    if region in (None, REGIONS["letter-dock"]):
        context |= parts.dock(found)
    if region in (None, REGIONS["letter-way"]):
        context["route"] = parts.route(found) if region else None
    if region is None:
        context |= parts.content(found) | parts.cascade(found) | _neighbours(request, found)
    return respond(request, "dlq/letter.html", REGIONS, context)


def found_letter(letter_id: int) -> Letter:
    """The letter; raises Http404."""
    found = queries.letter(letter_id)
    if found is None:
        raise Http404("no such letter")
    return found


def base(request: HttpRequest, found: Letter) -> dict[str, Any]:
    """What every region of the page shows."""
    taken = queries.running_replay(found.pk) if found.state == LetterState.DEAD else None
    return {
        "section": "letters",
        "letter": found,
        "group": found.group,
        "name": table.name(found),
        "title": table.title(found),
        "phone_title": f"Letter {table.name(found)}",
        "observed_only": observed_only(found.broker),
        "taken": taken,  # a replay that will send it: nothing else is done to it meanwhile
        "is_waiting": found.state == LetterState.DEAD and taken is None,
        "is_moving": found.state in (LetterState.REPLAYING, LetterState.MAYBE_SENT)
        or taken is not None,
        **rights(request),
    }


def _neighbours(request: HttpRequest, found: Letter) -> dict[str, Any]:
    """The letters before and after in the list this one was opened from, else in its group."""
    chosen = LetterFilter.from_query(request.GET)
    if not chosen.group:
        chosen = chosen.of_group(found.group_id)
    newer, older = queries.neighbours(chosen, found)
    return {"filter": chosen, "newer": newer, "older": older}
