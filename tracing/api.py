"""The API of what happened: cascades and keys."""

from datetime import datetime
from typing import Annotated, Literal

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import BaseModel, Field

from kit.clock import rfc3339
from kit.http import Problem
from kit.limits import PAGE_SIZE
from kit.pages import Page, page
from kit.permissions import Permission
from kit.redaction import mask_text
from kit.security import BearerOrSession, actor, person
from tracing import pins, queries
from tracing.exports import mermaid, text
from tracing.filters import FlowFilter
from tracing.listing import listed
from tracing.models import Flow
from tracing.otlp_export import otlp
from tracing.report import document
from tracing.schemas import (
    CascadeOut,
    Chosen,
    FlowOut,
    FlowsOut,
    KeyOut,
    MatchOut,
    NeighboursOut,
    SearchOut,
)
from tracing.search.hits import hits
from tracing.search.index import standing
from tracing.search.matches import Matches
from tracing.span_context import ran_within
from tracing.together import FLOWS, together

KEYS_SHOWN = 50  # of one flow
SPANS_SHOWN = 100  # within one delivery
READ = BearerOrSession(Permission.READ)
PIN = BearerOrSession(Permission.PIN)

router = Router(tags=["cascades"])


@router.get("/cascades", response=FlowsOut, auth=READ, url_name="cascades")
def list_cascades(
    request: HttpRequest, chosen: Query[Chosen], cursor: str = "", limit: int = PAGE_SIZE
) -> FlowsOut:
    """Flows, newest first; the filters mean what they mean on the page."""
    wanted = FlowFilter.from_query(request.GET)
    return flows_page(wanted, cursor, limit, oldest=chosen.sort == "oldest")


def flows_page(wanted: FlowFilter, cursor: str, limit: int, *, oldest: bool) -> FlowsOut:
    """A page of the flows that are wanted, as the API answers it.

    Raises Problem 400 for words that nothing can be looked for by, and for a strange cursor.
    """
    if wanted.problems:
        errors = [{"path": name, "reason": text} for name, text in wanted.problems.items()]
        raise Problem(400, "Nothing can be looked for", errors[0]["reason"], errors=errors)
    found = listed(wanted, cursor, limit, oldest=oldest)
    answer = _flows(found.page)
    if found.matches is not None:
        answer.search = _search(found.page, found.matches, wanted)
    return answer


def _search(found: Page[Flow], matches: Matches, wanted: FlowFilter) -> SearchOut:
    index = standing()
    return SearchOut(
        matches=[
            MatchOut(correlation_id=flow_id, event_id=hit.event_id, type=hit.type, snippet=hit.text)
            for flow_id, hit in hits(found.items, matches, wanted.asked).items()
        ],
        more=matches.more,
        indexed_until=None if index.until is None else rfc3339(index.until),
        behind=index.behind,
    )


@router.get("/keys/{path:key}", response=KeyOut, auth=READ, url_name="key")
def of_key(request: HttpRequest, key: str, cursor: str = "", limit: int = FLOWS) -> KeyOut:
    """Every flow that bears this key, `order:4711`, newest first, and what is a step further.

    A key of more than 20 flows is a `hub`: nothing is joined through it.
    """
    found = together(key, cursor, limit)
    if found is None:
        raise Http404(f"nothing was seen of {key}")
    return KeyOut(
        key=found.key,
        hub=found.hub,
        items=[_flow(flow) for flow in found.flows],
        next=found.page.next,
        previous=found.page.previous,
        count=found.page.count,
        estimated=found.page.estimated,
        neighbours=[
            NeighboursOut(key=one.key, hub=one.hub, flows=[_flow(flow) for flow in one.flows])
            for one in found.neighbours
        ],
    )


@router.get(
    "/cascades/{path:correlation_id}",
    response={200: CascadeOut},
    auth=READ,
    url_name="cascade",
)
def one_cascade(
    request: HttpRequest,
    correlation_id: str,
    format: Literal["json", "text", "mermaid", "otlp"] = "json",
    spans: bool = False,
) -> HttpResponse:
    """The cascade of one flow: nodes, edges with evidence, anomalies, critical path.

    `format=text` is what `manage.py cascade` prints, `format=mermaid` a flowchart,
    `format=otlp` a trace in OTLP/JSON. `spans=true`
    adds to deliveries what ran within them.
    """
    found = queries.flow_and_cascade(correlation_id)
    if found is None:
        raise Http404(f"nothing was seen of {correlation_id}")
    flow, cascade = found
    if format == "otlp":
        return HttpResponse(otlp(cascade), content_type="application/json")
    if format != "json":
        written = mermaid(cascade) if format == "mermaid" else text(flow, cascade)
        return HttpResponse(written, content_type="text/plain; charset=utf-8")
    answer = document(
        flow,
        queries.keys_of(flow.flow_id, KEYS_SHOWN),
        cascade,
        queries.aliases_of(flow.flow_id, KEYS_SHOWN),
        ran_within(cascade.deliveries, SPANS_SHOWN) if spans else None,
    )
    # 10,000 nodes go straight to bytes: checking each by the schema costs more than the rest
    return HttpResponse(answer, content_type="application/json")


@router.get("/pins", response=FlowsOut, auth=READ, url_name="pins")
def list_pins(request: HttpRequest, cursor: str = "", limit: int = PAGE_SIZE) -> FlowsOut:
    """The flows that retention leaves whole, newest pin first."""
    return _flows(page(pins.pinned().order_by(), ("-pinned_at", "-id"), cursor, limit))


class PinIn(BaseModel):
    """Why, for the audit."""

    reason: Annotated[str, Field(max_length=2_000)] = ""


@router.put("/pins/{path:correlation_id}", response=FlowOut, auth=PIN, url_name="pin")
def pin(request: HttpRequest, correlation_id: str, body: PinIn | None = None) -> FlowOut:
    """Pin a flow: retention leaves it whole. 409 when too many are pinned."""
    reason = body.reason if body else ""
    try:
        flow = pins.pin(correlation_id, actor=actor(request), user=person(request), reason=reason)
    except Flow.DoesNotExist:
        raise Http404(f"nothing was seen of {correlation_id}") from None
    except pins.PinsFullError as error:
        raise Problem(409, "Too many pins", str(error)) from error
    return _flow(flow)


@router.delete("/pins/{path:correlation_id}", response=FlowOut, auth=PIN)
def unpin(request: HttpRequest, correlation_id: str) -> FlowOut:
    """Leave a flow to retention again."""
    try:
        flow = pins.unpin(correlation_id, actor=actor(request), user=person(request))
    except Flow.DoesNotExist:
        raise Http404(f"nothing was seen of {correlation_id}") from None
    return _flow(flow)


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)


def _flows(found: "Page[Flow]") -> FlowsOut:
    return FlowsOut(
        items=[_flow(flow) for flow in found.items],
        next=found.next,
        previous=found.previous,
        count=found.count,
        estimated=found.estimated,
    )


def _flow(flow: Flow) -> FlowOut:
    return FlowOut(
        correlation_id=flow.flow_id,
        status=flow.status,
        reason=mask_text(flow.reason),
        label=flow.label,
        root_type=flow.root_type,
        events=flow.events,
        deliveries=flow.deliveries,
        open_letters=flow.open_letters,
        amount=None if flow.amount is None else str(flow.amount),
        currency=flow.currency,
        started_at=rfc3339(flow.started_at),
        last_at=rfc3339(flow.last_at),
        ended_at=_time(flow.ended_at),
        truncated_before=_time(flow.truncated_before),
        pinned_at=_time(flow.pinned_at),
    )
