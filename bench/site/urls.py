"""The console's URLs and two views: one commits a row a request, one stores nothing at all."""

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from ninja import NinjaAPI

from kit import limits
from kit.http import read_body
from kit.permissions import Permission
from kit.security import Bearer
from tracing.receivers.group_commit import committed_together
from tracing.receivers.http import read_events, seen

api = NinjaAPI(urls_namespace="bench", docs_url=None, openapi_url=None)
ingest: Any = Bearer(Permission.INGEST)


@api.post("/row", auth=ingest)
def one_row(request: HttpRequest) -> JsonResponse:
    """The same as `/api/events`, with a transaction for each request."""
    taken = committed_together([seen(event) for event in read_events(request)])
    answer = {"accepted": taken.accepted, "duplicates": taken.duplicates}
    return JsonResponse(answer, status=202)


@api.post("/nothing", auth=ingest)
def nothing(request: HttpRequest) -> JsonResponse:
    """Who sends is asked, the body is read, and nothing is stored."""
    read_body(request, limits.intake.body_bytes, limits.intake.event_bytes)
    return JsonResponse({"accepted": 1, "duplicates": 0}, status=202)


urlpatterns = [path("api/bench/", api.urls), path("", include("console.urls"))]
