"""The API of groups: the list, one of them, and what is said of it."""

from collections.abc import Callable
from typing import Literal

from django.http import HttpRequest
from ninja import Router

from dlq import documents, lifecycle, queries
from dlq.bodies import Groups, Said
from dlq.documents import GroupOut
from dlq.filters import GroupFilter
from dlq.lifecycle import Who
from dlq.models import Group
from dlq.refusals import Refused
from kit.http import Problem
from kit.limits import PAGE_SIZE
from kit.models import User
from kit.pages import page
from kit.permissions import Permission
from kit.security import BearerOrSession, actor, person

router = Router(tags=["dead letters"])
READ = BearerOrSession(Permission.READ)
TRIAGE = BearerOrSession(Permission.TRIAGE)
Verb = Literal["acknowledge", "assign", "mute", "resolve", "reopen"]


@router.get("/dead-letter-groups", response=Groups, auth=READ)
def list_groups(request: HttpRequest, cursor: str = "", limit: int = PAGE_SIZE) -> Groups:
    """Groups of dead letters, last death first; filters as on the page."""
    found = queries.groups(GroupFilter.from_query(request.GET))
    rows = page(found, queries.BY_LAST, cursor, limit)
    items = [documents.group(row) for row in rows.items]
    return Groups(items=items, next=rows.next, count=rows.count, estimated=rows.estimated)


@router.get("/dead-letter-groups/{int:group_id}", response=GroupOut, auth=READ)
def show_group(request: HttpRequest, group_id: int) -> GroupOut:
    """One group."""
    return documents.group(_group(group_id))


@router.post("/dead-letter-groups/{int:group_id}/{verb}", response=GroupOut, auth=TRIAGE)
def say(request: HttpRequest, group_id: int, verb: Verb, body: Said | None = None) -> GroupOut:
    """Acknowledge, assign, mute, resolve or reopen a group."""
    who = Who(actor(request), person(request), body.reason if body else "")
    try:
        return documents.group(said(_group(group_id), verb, body or Said(), who))
    except Refused as refusal:
        raise Problem(409, refusal.title, refusal.detail) from refusal


def said(group: Group, verb: str, body: Said, who: Who) -> Group:
    """The group after what was said of it. Raises Refused."""
    does: dict[str, Callable[[], Group]] = {
        "acknowledge": lambda: lifecycle.acknowledge(group, who),
        "assign": lambda: lifecycle.assign(group, _person(body.to), who),
        "mute": lambda: lifecycle.mute(group, body.until, body.volume, who),
        "resolve": lambda: lifecycle.resolve(group, body.release, who),
        "reopen": lambda: lifecycle.reopen(group, who),
    }
    return does[verb]()


def _person(name: str) -> User | None:
    if not name:
        return None
    found = User.objects.filter(username=name).first()
    if found is None:
        raise Refused("Nobody to assign it to", f"There is nobody called {name}.")
    return found


def _group(group_id: int) -> Group:
    found = queries.group(group_id)
    if found is None:
        raise Problem(404, "Not found", f"there is no group {group_id}")
    return found
