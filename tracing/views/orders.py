"""The list of orders: search, filters, pages."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from kit import clock
from kit.limits import WALK
from kit.live import respond
from kit.marks import mark
from kit.pages import Page
from kit.permissions import Permission
from kit.security import require
from tracing import queries
from tracing.filters import SPANS, FlowFilter
from tracing.listing import Listed, listed
from tracing.models import Flow
from tracing.search.hits import hits
from tracing.search.index import standing
from tracing.summary import Status
from tracing.together import shared

WORDS = {
    "q": "search",
    "text": "words in payloads",
    "error": "words of an error",
    "last": "started within",
    "since": "from",
    "until": "until",
}
WALKED = f"{WALK:,} orders were looked at for this page; the next one goes on from there."
TRIED = 6  # filters that are taken away one by one where nothing matches; of more, only all


@require(Permission.READ)
def orders(request: HttpRequest) -> HttpResponse:
    """Flows, newest first, or oldest first with `?sort=oldest`.

    The search field alone leads to the page of a key that several flows share.
    """
    chosen = FlowFilter.from_query(request.GET)
    whole = request.headers.get("HX-Request-Type") != "partial"
    key = shared(chosen.q) if whole and [*request.GET] == ["q"] else None
    if key is not None:
        return redirect("tracing:key", key)
    oldest = request.GET.get("sort") == "oldest"
    found = listed(chosen, request.GET.get("cursor", ""), oldest=oldest)
    context = {
        "section": "orders",
        "page": found.page,
        "rows": _rows(chosen, found),
        "chosen": chosen,
        "oldest": oldest,
        "fields": _fields(chosen),
        "more": _more(chosen),
        "keep": _kept(chosen, oldest=oldest),
        "walked_text": WALKED,
        "tokens": _tokens(chosen, oldest=oldest),
        "problems": chosen.problems,
        "problem_text": " ".join(
            f"{WORDS[name]}: {text}." for name, text in chosen.problems.items()
        ),
        "search": _search(found),
        **_culprits(chosen, found.page, oldest=oldest),
        "now": clock.now(),
        "live": "cursor" not in request.GET and not chosen.problems,
    }
    return respond(request, "tracing/orders.html", {"orders": "tracing/_orders.html"}, context)


def _rows(chosen: FlowFilter, found: Listed) -> list[dict[str, Any]]:
    """The flows of the page, each with what of a payload matches."""
    flows = found.page.items
    matching = hits(flows, found.matches, chosen.asked) if found.matches else {}
    return [{"flow": flow, "hit": matching.get(flow.flow_id)} for flow in flows]


def _search(found: Listed) -> dict[str, Any] | None:
    """How far a search in payloads reaches: of the matches, and of the index."""
    if found.matches is None:
        return None
    index = standing()
    return {
        "newest": found.matches.read if found.matches.more else None,
        "index": index,
        "tells": found.matches.more or index.behind or not index.on,
    }


def _fields(chosen: FlowFilter) -> list[dict[str, Any]]:
    statuses = [(status.value, mark(status.value).word) for status in Status]
    types = [(name, name) for name in queries.event_types()]
    consumers = [(name, name) for name in queries.consumers()]
    spans = [(name, f"Last {words}") for name, (words, _) in SPANS.items()]
    return [
        _field("status", "Status", chosen.status, "Any status", statuses),
        _field("type", "Event type", chosen.type, "Any event", types),
        _field("consumer", "Consumer", chosen.consumer, "Any consumer", consumers),
        _field("last", "Time", chosen.last, "Any time", spans),
    ]


def _field(
    name: str, label: str, value: str, every: str, choices: list[tuple[str, str]]
) -> dict[str, Any]:
    if value and value not in dict(choices):  # of a link, though it was never seen
        choices = [*choices, (value, value)]
    return {"name": name, "label": label, "value": value, "choices": [("", every), *choices]}


def _more(chosen: FlowFilter) -> dict[str, Any]:
    """The fields that are folded away until one of them is set."""
    fields = [
        {"name": "text", "label": "Words in payloads", "value": chosen.text, "hint": "curr* -test"},
        {"name": "error", "label": "Words of an error", "value": chosen.error, "hint": "KeyError"},
        _time("since", "From, UTC", chosen.since),
        _time("until", "Until, UTC", chosen.until),
    ]
    return {"fields": fields, "open": any(field["value"] for field in fields)}


def _time(name: str, label: str, value: datetime | None) -> dict[str, Any]:
    text = value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S") if value else ""
    return {"name": name, "label": label, "value": text, "kind": "datetime-local"}


def _tokens(chosen: FlowFilter, *, oldest: bool) -> list[dict[str, Any]]:
    """What is filtered, each with the way to the list without it."""
    return [
        {
            "name": WORDS.get(name, name),
            "value": SPANS[text][0] if name == "last" and text in SPANS else text,
            "moment": getattr(chosen, name) if name in ("since", "until") else None,
            "without": _url(_without(chosen, name), oldest=oldest),
        }
        for name, text in chosen.as_query().items()
    ]


def _culprits(chosen: FlowFilter, page: Page[Flow], *, oldest: bool) -> dict[str, Any]:
    """Where nothing matches: the filters without any one of which something does."""
    tokens = _tokens(chosen, oldest=oldest)
    if page.items or page.walked_out or chosen.problems or not 1 < len(tokens) <= TRIED:
        return {"tried": False, "culprits": []}
    names = list(chosen.as_query())
    found = [listed(_without(chosen, name), limit=1).page for name in names]
    pairs = zip(tokens, found, strict=True)
    return {
        "tried": True,
        "culprits": [{**token, "page": page} for token, page in pairs if page.items],
    }


def _without(chosen: FlowFilter, name: str) -> FlowFilter:
    values: dict[str, Any] = {name: None if name in ("since", "until") else ""}
    return replace(chosen, **values)


def _kept(chosen: FlowFilter, *, oldest: bool) -> dict[str, str]:
    """What the filter bar has no field for, and keeps."""
    return ({"key": chosen.key} if chosen.key else {}) | ({"sort": "oldest"} if oldest else {})


def _url(chosen: FlowFilter, *, oldest: bool) -> str:
    return f"?{urlencode(chosen.as_query() | _kept(chosen, oldest=oldest))}"
