"""The page of one cascade: facts, critical path, timeline, graph or table, the chosen node."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse

from kit import clock, formats
from kit.live import respond
from kit.permissions import Permission
from kit.security import person, require
from tracing import queries
from tracing.cascade import Cascade, Delivery, DeliveryState, EventNode, SegmentKind, raw
from tracing.drawing import draw, draw_graph
from tracing.models import Flow
from tracing.summary import Status
from tracing.views.anomalies import groups
from tracing.views.panel import panel
from tracing.views.windows import begin, window

ROWS = {"timeline": 60, "table": 60, "graph": 300}  # rows, or nodes, of a window
KEYS_SHOWN = 6
ALIASES_SHOWN = 3
POLL_S = 3
POLL_ENDED_S = 15  # a finished flow may still be added to
OPEN = (DeliveryState.RUNNING, DeliveryState.RETRYING, DeliveryState.REPLAYING)
DEAD = (DeliveryState.FAILED, DeliveryState.REPLAYING)
# what a part of the critical path is filled with
FILLS = {
    SegmentKind.PUBLISH: "ink",
    SegmentKind.QUEUE: "hatch",
    SegmentKind.HANDLING: "work",
    SegmentKind.BACKOFF: "pale",
    SegmentKind.DEAD: "bad",
    SegmentKind.GAP: "sunken",
}


@require(Permission.READ)
def cascade(request: HttpRequest, flow_id: str) -> HttpResponse:
    """The cascade of one flow; `?view=graph|table`, `?axis=linear`, `?clock=raw`, `?from=` row.

    `?node=` chooses a node, and without `from` also the window: it is the node's permalink.
    """
    both = queries.flow_and_cascade(flow_id)
    if both is None:
        raise Http404("nothing was seen of this order")
    flow, found = both
    if flow.flow_id != flow_id:
        there = reverse("tracing:cascade", args=[flow.flow_id])
        return redirect(f"{there}?{request.GET.urlencode()}" if request.GET else there)
    now = clock.now()
    view = request.GET.get("view", "")
    view = view if view in ROWS else "timeline"
    is_raw = request.GET.get("clock") == "raw" and view != "graph"
    shown = raw(found) if is_raw else found
    chosen = _chosen(shown, request.GET.get("node", ""))
    context = {
        "section": "orders",
        "flow": flow,
        "title": title(flow),
        "phone_title": title(flow),
        "keys": queries.keys_of(flow_id, KEYS_SHOWN),
        "aliases": queries.aliases_of(flow_id, ALIASES_SHOWN),
        "cascade": found,
        "took_s": ((flow.ended_at or now) - flow.started_at).total_seconds(),
        "dead": [one for one in found.deliveries if one.state in DEAD and one.letter_id],
        "critical": _critical(found),
        "clock_s": max((one.shift_s for one in found.deliveries), default=0.0),
        "is_raw": is_raw,
        "view": view,
        **_drawn(request, shown, view, now),
        "anomalies": groups(found, request.GET),
        "chosen": chosen,
        "panel": panel(found, chosen) if chosen else None,
        "permalink": _permalink(request, chosen) if chosen else "",
        "may_pin": person(request).may(Permission.PIN),
        "poll_s": POLL_S if _moves(flow, found) else POLL_ENDED_S,
    }
    return respond(request, "tracing/cascade.html", {"flow": "tracing/_flow.html"}, context)


def title(flow: Flow) -> str:
    """What a flow is called: `Order 4711` by its first key, else by its correlation ID."""
    kind, _, value = flow.label.partition(":")
    return f"{kind.capitalize()} {value}" if value else formats.short_id(flow.flow_id)


def _moves(flow: Flow, found: Cascade) -> bool:
    waiting = flow.status in (Status.RUNNING, Status.FAILED)
    return waiting or any(delivery.state in OPEN for delivery in found.deliveries)


def _chosen(found: Cascade, node_id: str) -> EventNode | Delivery | None:
    """The node of the URL, else what failed, else the root; `none` closes the panel."""
    if node_id == "none" or not found.outline:
        return None
    if node_id in found.nodes:
        return found.nodes[node_id]
    dead = next((one for one in found.deliveries if one.state in DEAD), None)
    return dead or found.outline[0].node


def _drawn(request: HttpRequest, found: Cascade, view: str, now: datetime) -> dict[str, Any]:
    """What the chosen view shows: the graph, or the rows that timeline and table share."""
    size, linear = ROWS[view], request.GET.get("axis") == "linear"
    rows = len(found.outline)
    first = begin(request.GET.get("from", _row(request, found)), rows, size)
    shown: dict[str, Any] = {"linear": linear, "window": window(first, rows, size)}
    if view == "graph":
        return {**shown, "graph": draw_graph(found, first=first, nodes=size)}
    return {**shown, "timeline": draw(found, now, first=first, rows=size, fold=not linear)}


def _row(request: HttpRequest, found: Cascade) -> str:
    """The row of the node of the URL."""
    node = request.GET.get("node", "")
    return str(next((at for at, row in enumerate(found.outline) if row.node.id == node), 0))


def _permalink(request: HttpRequest, node: EventNode | Delivery) -> str:
    """Leads to this node, in this view, wherever it is by then."""
    query = QueryDict(mutable=True)
    query["node"] = node.id
    if "view" in request.GET:
        query["view"] = request.GET["view"]
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def _critical(found: Cascade) -> dict[str, Any] | None:
    """The critical path: its ends, its length, and the shares of what its time went into."""
    if not found.critical_path:
        return None
    last = _last(found)
    return {
        "start": _first_event(found).name,
        "end": _name(last, found),
        "gave_up": isinstance(last, Delivery) and last.state in DEAD,
        "seconds": sum(one.seconds for one in found.shares),
        "parts": [(FILLS[one.kind], one) for one in found.shares],
        "bar": [(FILLS[one.kind], one.seconds) for one in found.shares],
        "label": ", ".join(
            f"{one.kind.words} {formats.duration(one.seconds)}" for one in found.shares
        ),
    }


def _first_event(found: Cascade) -> EventNode:
    first = found.nodes[found.critical_path[0].node]
    return first if isinstance(first, EventNode) else found.event_of(first)


def _last(found: Cascade) -> EventNode | Delivery:
    """What the critical path leads to: what the last delivery emitted, else the delivery."""
    last = found.nodes[found.critical_path[-1].node]
    if isinstance(last, Delivery) and last.state not in DEAD:
        emitted: Sequence[EventNode | Delivery] = [
            found.nodes[edge.target] for edge in found.out_of[last.id]
        ]
        ends = [one for one in emitted if isinstance(one, EventNode)]
        return max(ends, key=lambda one: one.at, default=None) or last
    return last


def _name(node: EventNode | Delivery, found: Cascade) -> str:
    if isinstance(node, EventNode):
        return node.name
    return node.consumer if node.state in DEAD else found.event_of(node).name
