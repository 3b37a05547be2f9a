"""The API's root: one list of routers, one shape of error."""

from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI, Router
from ninja.errors import AuthenticationError, HttpError, ValidationError
from pydantic import BaseModel

import console.mappings.api
import dlq.api
import dlq.group_api
import lag.api
import tracing.api
import tracing.receivers.http
from console import deployments
from console.storage import router as storage
from console.topology.api import router as topology
from console.views.audit import ORDER, AuditFilter
from kit.clock import rfc3339
from kit.http import Problem, plain_problem, problem_response
from kit.models import AuditEntry
from kit.pages import page
from kit.permissions import Permission
from kit.security import BearerOrSession

api = NinjaAPI(
    title="Cascade Console",
    version="1",
    description="Events in, cascades out; lag; dead letters and their replays. "
    "Bearer tokens with scopes ingest, read, operate, admin; errors are problem documents.",
    urls_namespace="api",
    docs_url=None,  # ninja's page has an inline script, which our CSP refuses
    openapi_url="/openapi.json",
)


class Entry(BaseModel):
    """One entry of the audit."""

    id: int
    at: str
    actor: str
    action: str
    target: str
    summary: str
    reason: str
    changes: dict[str, Any]


class Entries(BaseModel):
    """A page of the audit."""

    items: list[Entry]
    next: str | None
    count: int
    estimated: bool


audit = Router(tags=["audit"])


@audit.get("/audit", response=Entries, auth=BearerOrSession(Permission.READ))
def list_audit(request: HttpRequest, cursor: str = "", limit: int = 50) -> Entries:
    """Who did what, when and why, newest first; filters as on the page."""
    chosen = AuditFilter.from_query(request.GET)
    rows = page(chosen.apply(AuditEntry.objects.all()), ORDER, cursor, limit)
    items = [
        Entry(
            id=row.pk,
            at=rfc3339(row.at),
            actor=row.actor,
            action=row.action,
            target=f"{row.target_kind}:{row.target_id}",
            summary=row.summary,
            reason=row.reason,
            changes=row.changes,
        )
        for row in rows.items
    ]
    return Entries(items=items, next=rows.next, count=rows.count, estimated=rows.estimated)


for router in (
    tracing.receivers.http.router,
    tracing.api.router,
    dlq.api.router,
    dlq.group_api.router,
    lag.api.router,
    topology,
    storage,
    deployments.router,
    console.mappings.api.router,
    audit,
):
    api.add_router("", router)


@api.exception_handler(Problem)
def _problem(request: HttpRequest, error: Problem) -> HttpResponse:
    return problem_response(error)


@api.exception_handler(AuthenticationError)
def _unknown(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    detail = "send `Authorization: Bearer …` with a token from Settings"
    return problem_response(
        Problem(401, "Who are you?", detail, headers={"WWW-Authenticate": "Bearer"})
    )


@api.exception_handler(PermissionDenied)
def _denied(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
    return problem_response(plain_problem(HTTPStatus.FORBIDDEN, str(error)))


@api.exception_handler(Http404)
def _missing(request: HttpRequest, error: Http404) -> HttpResponse:
    return problem_response(plain_problem(HTTPStatus.NOT_FOUND, str(error)))


@api.exception_handler(HttpError)
def _refused(request: HttpRequest, error: HttpError) -> HttpResponse:
    return problem_response(plain_problem(error.status_code, str(error)))


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    errors = [
        {"path": ".".join(str(part) for part in one["loc"]), "reason": one["msg"]}
        for one in error.errors
    ]
    return problem_response(Problem(422, "Not valid", "see errors", errors))
