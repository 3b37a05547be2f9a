"""All flows that bear a key, and those a step further: what `order:4711` is about, together.

A key of very many flows is a hub (a customer, a warehouse): its flows are shown page by page, and
nothing is joined through it. Every answer costs what it shows: at most eleven queries.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from kit.pages import Page, page
from tracing.aliases import led_by
from tracing.models import Event, Flow, FlowAlias, FlowKey
from tracing.sealing import meant, stored

FLOWS = 20  # of one page
HUB = 20  # flows that share a key: with more it is a hub
JOINTS = 50  # other keys of a page's flows that are looked at
EVENTS = 2_000  # of a page's flows that are drawn
_OF_KEY = (
    "SELECT * FROM (SELECT key, flow_id FROM tracing_flowkey WHERE key = %s AND NOT EXISTS"  # noqa: S608
    " (SELECT 1 FROM tracing_flowalias WHERE alias = tracing_flowkey.flow_id)"
    f" ORDER BY id LIMIT {HUB + 1}) AS each"
)


class Neighbours(NamedTuple):
    """Flows that share another key with those shown; none where that key is a hub."""

    key: str
    hub: bool
    flows: tuple[Flow, ...]


class Moment(NamedTuple):
    """An event of a flow."""

    flow_id: str
    at: datetime
    type: str


@dataclass(frozen=True, slots=True)
class Together:
    """A page of the flows that bear a key, newest first, and what is a step further."""

    key: str
    hub: bool
    page: Page[FlowKey]
    flows: tuple[Flow, ...]
    neighbours: tuple[Neighbours, ...]
    unread: bool  # there are more other keys than JOINTS


def together(key: str, cursor: str = "", limit: int = FLOWS) -> Together | None:
    """The flows of this key, or None when nothing bears it.

    Raises Problem 400 when the cursor is not one of ours.
    """
    key = stored(key)
    found = page(_bearing(key), ("-id",), cursor, limit)
    if not found.count:
        return None
    ids = [row.flow_id for row in found.items]
    flows = sorted(_flows(ids), key=lambda flow: (flow.started_at, flow.pk), reverse=True)
    hub = found.count > HUB
    joints = [] if hub else _joints(key, ids)
    return Together(
        key=key,
        hub=hub,
        page=found,
        flows=tuple(flows),
        neighbours=_neighbours(key, joints[:JOINTS]),
        unread=len(joints) > JOINTS,
    )


def shared(text: str) -> str | None:
    """The one key that this text means, if several flows bear it."""
    keys = sorted(set(meant(text)))
    found = [key for key, flows in _of_keys(keys).items() if len(flows) > 1]
    return found[0] if len(found) == 1 else None


def moments(flows: Sequence[Flow]) -> tuple[list[Moment], bool]:
    """The events of these flows, and whether there are more than EVENTS."""
    ids = [flow.flow_id for flow in flows]
    lead = led_by(ids)
    rows = Event.objects.filter(flow_id__in=[*ids, *lead]).order_by("id")
    found = list(rows.values_list("flow_id", "published_at", "type")[: EVENTS + 1])
    known = [Moment(lead.get(name, name), at, type_) for name, at, type_ in found[:EVENTS]]
    return known, len(found) > EVENTS


def _bearing(key: str) -> "QuerySet[FlowKey]":
    """The flows that bear a key, but for those that are other names of one."""
    name = FlowAlias.objects.filter(alias=OuterRef("flow_id"))
    return FlowKey.objects.filter(~Exists(name), key=key)


def _joints(key: str, flow_ids: Collection[str]) -> list[str]:
    others = FlowKey.objects.filter(flow_id__in=flow_ids).exclude(key=key).order_by("key")
    return list(others.values_list("key", flat=True).distinct()[: JOINTS + 1])


def _neighbours(key: str, joints: Sequence[str]) -> tuple[Neighbours, ...]:
    """By key the flows that bear it and not the page's own; those that join nobody left out."""
    found = _of_keys(joints)
    near = {one for flows in found.values() if len(flows) <= HUB for one in flows}
    own = set(_bearing(key).filter(flow_id__in=near).values_list("flow_id", flat=True))
    flows = {flow.flow_id: flow for flow in _flows(near - own)}
    answer = []
    for joint in joints:
        hub = len(found.get(joint, ())) > HUB
        others = () if hub else tuple(flows[one] for one in found.get(joint, ()) if one in flows)
        if hub or others:
            answer.append(Neighbours(joint, hub, others))
    return tuple(answer)


def _of_keys(keys: Sequence[str]) -> dict[str, list[str]]:
    """The flows of each of these keys, at most one more than makes a hub; one query."""
    found: dict[str, list[str]] = defaultdict(list)
    if keys:
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join([_OF_KEY] * len(keys)), list(keys))
            for key, flow_id in cursor.fetchall():
                found[key].append(flow_id)
    return found


def _flows(flow_ids: Collection[str]) -> list[Flow]:
    return list(Flow.objects.filter(flow_id__in=sorted(flow_ids)))
