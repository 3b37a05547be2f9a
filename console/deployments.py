"""The API of deployments: a pipeline says what went out, and when."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Router, Status
from pydantic import BaseModel, Field

from kit import clock, deployments
from kit.clock import rfc3339
from kit.limits import PAGE_SIZE
from kit.models import Deployment
from kit.pages import page
from kit.permissions import Permission
from kit.security import BearerOrSession, actor, person

router = Router(tags=["deployments"])
ORDER = ("-at", "-id")


class NewDeployment(BaseModel):
    """A release that went out, now or at a time."""

    service: Annotated[str, Field(min_length=1, max_length=255)]
    release: Annotated[str, Field(min_length=1, max_length=80)]
    at: datetime | None = None
    note: Annotated[str, Field(max_length=300)] = ""


class DeploymentOut(BaseModel):
    """A release that went out."""

    service: str
    release: str
    at: str
    actor: str
    note: str


class Deployments(BaseModel):
    """A page of deployments."""

    items: list[DeploymentOut]
    next: str | None
    count: int
    estimated: bool


@router.post("/deployments", response={201: DeploymentOut}, auth=BearerOrSession(Permission.INGEST))
def new_deployment(request: HttpRequest, body: NewDeployment) -> Status[DeploymentOut]:
    """Say that a release went out; said twice it is one."""
    at = body.at or clock.now()
    who, user = actor(request), person(request)
    row, _ = deployments.record(
        body.service, body.release, at, actor=who, user=user, note=body.note
    )
    return Status(201, document(row))


@router.get("/deployments", response=Deployments, auth=BearerOrSession(Permission.READ))
def list_deployments(request: HttpRequest, cursor: str = "", limit: int = PAGE_SIZE) -> Deployments:
    """What went out, newest first; `service=` of one."""
    found = Deployment.objects.all()
    if service := request.GET.get("service", ""):
        found = found.filter(service=service)
    rows = page(found, ORDER, cursor, limit)
    items = [document(row) for row in rows.items]
    return Deployments(items=items, next=rows.next, count=rows.count, estimated=rows.estimated)


def document(row: Deployment) -> DeploymentOut:
    """A deployment as JSON."""
    return DeploymentOut(
        service=row.service,
        release=row.release,
        at=rfc3339(row.at),
        actor=row.actor,
        note=row.note,
    )
