"""The table of letters: rows, counts, and what a bulk action takes along."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest

from dlq import queries
from dlq.fates import published_at
from dlq.filters import LetterFilter
from dlq.models import Letter
from dlq.words import LetterState
from kit import limits, pages
from tracing.queries import newer_handled


def letters(request: HttpRequest, chosen: LetterFilter) -> dict[str, Any]:
    """One page of the letters that match, newest death first."""
    page = pages.page(queries.letters(chosen), queries.BY_DEATH, request.GET.get("cursor", ""))
    newest = Letter.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    waiting = chosen.apply(Letter.objects.filter(state=LetterState.DEAD))
    return {
        "page": page,
        "rows": _rows(page.items),
        "matching": chosen.seen(newest),
        "waiting": waiting.order_by()[: limits.COUNT_CAP + 1].count(),
        "newest": newest,
    }


def fresh(request: HttpRequest, chosen: LetterFilter) -> dict[str, Any]:
    """How many letters came since the list was drawn: they wait until they are asked for."""
    after = request.GET.get("after", "")
    number = int(after) if after.isascii() and after.isdigit() and len(after) < 19 else 0
    came = chosen.apply(Letter.objects.filter(pk__gt=number)).order_by()[:100].count()
    return {"came": came, "newest": number}


def since_it_died(found: Sequence[Letter]) -> dict[int, str]:
    """What happened to the same key since, in words: letter -> words, where something did."""
    newer = newer_handled(
        [
            (x.lane, _delivery(x)[0], published_at(x.position, x.first_died_at), x.consumer)
            for x in found
            if x.lane
        ]
    )
    return {x.pk: newer[_delivery(x)] for x in found if _delivery(x) in newer}


def _delivery(letter: Letter) -> tuple[bytes, str]:
    return bytes(letter.event_identity), letter.consumer


def _rows(found: Sequence[Letter]) -> list[dict[str, Any]]:
    since = since_it_died(found)
    return [
        {
            "letter": letter,
            "name": name(letter),
            "since": since.get(letter.pk, ""),
            "state": "waiting" if letter.state == LetterState.DEAD else letter.state,
        }
        for letter in found
    ]


def name(letter: Letter) -> str:
    """What a letter is called in a list: its order (`order 4711`), its event, or its place."""
    return letter.label.replace(":", " ", 1) or letter.event_id or letter.dead_position


def title(letter: Letter) -> str:
    """What its page is called: `OrderPlaced of order 4711`, `Message on supplier.1`."""
    what = letter.type or "Message"
    if letter.label:
        return f"{what} of {name(letter)}"
    return f"{what} {letter.event_id}" if letter.event_id else f"{what} on {_place(letter)}"


def _place(letter: Letter) -> str:
    return letter.stream or letter.dead_stream
