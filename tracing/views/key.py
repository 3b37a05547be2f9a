"""The page of a key: every flow that bears it on one time axis, and what is a step further."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse

from kit import formats
from kit.live import respond
from kit.marks import mark
from kit.permissions import Permission
from kit.redaction import mask_text
from kit.security import require
from tracing.drawing.flows import draw_flows
from tracing.models import Flow
from tracing.sealing import SEALED
from tracing.together import EVENTS, HUB, Together, moments, together


@require(Permission.READ)
def key(request: HttpRequest, key: str) -> HttpResponse:
    """The flows of one key, newest first; `?cursor=`."""
    found = together(key, request.GET.get("cursor", ""))
    if found is None:
        raise Http404(f"nothing was seen of {key}")
    context = {
        "section": "orders",
        "found": found,
        "key": found.key,
        "title": title_of(found.key),
        "phone_title": title_of(found.key),
        "page": found.page,
        "hub_of": HUB,
        "neighbours": [
            {
                "title": title_of(one.key),
                "key": one.key,
                "hub": one.hub,
                "flows": [(flow, mark(flow.status)) for flow in one.flows],
            }
            for one in found.neighbours
        ],
        "live": "cursor" not in request.GET,
        **_drawn(found),
    }
    return respond(request, "tracing/key.html", {"key": "tracing/_key.html"}, context)


def title_of(key: str) -> str:
    """What a key is called: `Order 4711`; of a hashed one the first digits."""
    kind, _, value = key.partition(":")
    shown = formats.short_id(value) if value.startswith(SEALED) else value
    return f"{kind.capitalize()} {shown}"


def _drawn(found: Together) -> dict[str, Any]:
    """The flows of the page on one axis, each with what it is and how it stands."""
    if not found.flows:
        return {"rows": []}
    events, cut = moments(found.flows)
    lines = draw_flows(
        [(flow.flow_id, flow) for flow in found.flows], [(one.flow_id, one.at) for one in events]
    )
    rows = [
        {"flow": flow, "bar": bar, "words": _words(flow), "mark": mark(flow.status)}
        for flow, bar in zip(found.flows, lines.bars, strict=True)
    ]
    return {"rows": rows, "lines": lines, "cut": EVENTS if cut else None}


def _words(flow: Flow) -> str:
    """`OrderPlaced, 5 events: payment gave up`."""
    number = formats.plural(flow.events, "event")
    reason = f": {mask_text(flow.reason)}" if flow.status in ("failed", "running") else ""
    return f"{flow.root_type or 'no event yet'}, {number}{reason}"[:90]
