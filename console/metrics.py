"""`GET /metrics`: rendered once a round of sampling, served as it lies in one row."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, Metric
from prometheus_client.core import GaugeMetricFamily

import dlq.totals
import lag.metrics
import tracing.retention.metrics
from kit import clock
from kit.http import Problem, problem_response
from kit.permissions import Permission
from kit.security import Bearer
from kit.writes import writing
from lag.models import Exposition
from lag.tasks import sampled
from tracing.search.index import standing

ROW = 1
_token = Bearer(Permission.READ)


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """What the last round rendered: one row is read, nothing is asked.

    With METRICS_OPEN=false a bearer token with scope read is needed.
    """
    if not settings.METRICS_OPEN:
        try:
            known = _token(request)
        except Problem as problem:
            return problem_response(problem)
        if not known:
            headers = {"WWW-Authenticate": "Bearer"}
            return problem_response(Problem(401, "Who are you?", "send a token", headers=headers))
    body = Exposition.objects.filter(pk=ROW).values_list("body", flat=True).first()
    if body is None:
        return problem_response(Problem(503, "Nothing yet", "no round of sampling has ended"))
    return HttpResponse(body, content_type=CONTENT_TYPE_LATEST)


def render(**_: Any) -> None:
    """Render everything anew; called after each round of sampling."""
    families = [
        *lag.metrics.families(),
        *dlq.totals.families(),
        *_search(),
        *tracing.retention.metrics.families(),
    ]
    body = lag.metrics.render(families)
    with writing():
        Exposition.objects.update_or_create(
            pk=ROW, defaults={"rendered_at": clock.now(), "body": body}
        )


def _search() -> Iterator[Metric]:
    """How far the index of payloads is; absent where none is kept."""
    index = standing()
    if index.on:
        behind = GaugeMetricFamily(
            "cascade_search_behind_events", "Events whose payloads are not in the index yet."
        )
        behind.add_metric((), index.behind)
        yield behind


def connect() -> None:
    """Render after each round of sampling in this process."""
    sampled.connect(render, dispatch_uid="console.metrics")
