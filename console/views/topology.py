"""The page of the topology: the map, or the same as a table."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from console.topology.drawing import draw
from console.topology.faces import face, title
from console.topology.gather import LEARNED, System, system
from console.topology.graph import Kind, Link
from kit import clock
from kit.live import respond
from kit.permissions import Permission
from kit.security import require

NODES_DRAWN = 120  # beyond, a map is no longer read; the table has them all
ROWS = 300
WORST = ("bad", "warn", "run")


@require_GET
@require(Permission.READ)
def topology(request: HttpRequest) -> HttpResponse:
    """Who publishes and who consumes; `?view=table`, `?broker=`."""
    every = system(clock.now())
    broker = request.GET.get("broker", "")
    shown = every.only(broker) if broker in every.brokers else every
    too_much = len(shown.places) > NODES_DRAWN
    table = request.GET.get("view") == "table"
    context = {
        "section": "topology",
        "counts": {kind.value: len(shown.of(kind)) for kind in Kind},
        "days": LEARNED.days,
        "brokers": every.brokers,
        "broker": broker,
        "table": table,
        "too_much": too_much,
        "nodes_drawn": NODES_DRAWN,
        "map": draw(shown) if shown.places and not table and not too_much else None,
        "rows": _rows(shown)[:ROWS] if table or too_much else [],
        "total": len(shown.links),
    }
    regions = {"topology": "console/_topology.html"}
    return respond(request, "console/topology.html", regions, context)


def _rows(shown: System) -> list[dict[str, Any]]:
    """Every link as a line of the table, worst first."""
    rows = [_row(shown, link) for link in shown.links]
    order = {tone: rank for rank, tone in enumerate(WORST)}
    return sorted(
        rows,
        key=lambda row: (
            order.get(row["face"].tone, len(WORST)),
            row["party"],
            not row["reads"],
            row["topic"],
        ),
    )


def _row(shown: System, link: Link) -> dict[str, Any]:
    reads = link.target.kind is Kind.CONSUMER
    party, topic = (link.target, link.origin) if reads else (link.origin, link.target)
    return {
        "link": link,
        "reads": reads,
        "party": party,
        "name": title(party),
        "topic": topic,
        "face": face(shown, party),
    }
