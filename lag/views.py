"""The page of lag."""

from collections.abc import Sequence
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse

from kit import clock
from kit.live import respond
from kit.marks import mark
from kit.permissions import Permission
from kit.security import require
from lag import page, queries
from lag.detail import detail
from lag.evaluate import SEVERITY, TROUBLE
from lag.filters import LagFilter
from lag.models import Standing

CLOSED = "none"  # in the URL: no row is open


@require(Permission.READ)
def lag(request: HttpRequest) -> HttpResponse:
    """All consumers with their verdicts; one of them open, by default the worst in trouble."""
    chosen = LagFilter.from_query(request.GET)
    every = list(queries.standings())
    found = every if not chosen.is_set else list(chosen.apply(queries.standings()))
    opened = _opened(request, found)
    lines = page.rows(found[: page.ROWS], opened)
    by_verdict = request.GET.get("by") == "verdict"
    open_row = next((row for row in found if page.key_of(row) == opened), None)
    snapshots = queries.snapshots()
    context = {
        "section": "lag",
        "bands": page.by_verdict(lines)
        if by_verdict
        else page.by_stream(lines, quiet=not chosen.is_set),
        "by_verdict": by_verdict,
        "fields": _fields(chosen),
        "detail": detail(open_row, clock.now()) if open_row else None,
        "sayings": page.sayings(every),
        "consumers": len({(row.broker, row.consumer) for row in every}),
        "topics": len({(row.broker, row.topic) for row in every}),
        "shown": len(lines),
        "found": len(found),
        "chosen": chosen,
        "queues": [depth for depth in queries.depths() if depth.messages != 0],
        "snapshots": snapshots,
        "failing": page.failing(snapshots),
        "stream_url": _url(request, by=""),
        "verdict_url": _url(request, by="verdict"),
        "open_url": _url(request, open="") + "open=",
        "closed_url": _url(request, open=CLOSED),
    }
    regions = {"lag": "lag/_lag.html", "lag-say": "lag/_say.html"}
    return respond(request, "lag/lag.html", regions, context)


def _opened(request: HttpRequest, found: Sequence[Standing]) -> str:
    asked = request.GET.get("open", "")
    if asked:
        return asked
    worst = found[0] if found else None
    return page.key_of(worst) if worst and worst.verdict in TROUBLE else CLOSED


def _fields(chosen: LagFilter) -> list[dict[str, object]]:
    choices = [("", "Any verdict"), *((v.value, mark(v.value).word) for v in SEVERITY)]
    return [{"name": "verdict", "label": "Verdict", "value": chosen.verdict, "choices": choices}]


def _url(request: HttpRequest, **changes: str) -> str:
    """This page with some parameters changed; one that is empty is left out."""
    kept = {name: request.GET.get(name, "") for name in ("q", "verdict", "by", "open")} | changes
    query = urlencode({name: value for name, value in kept.items() if value})
    ends_open = changes.get("open") == ""
    if ends_open:
        return f"{request.path}?{query}&" if query else f"{request.path}?"
    return f"{request.path}?{query}" if query else request.path
