"""The names of flows: which flow an ID leads to, and by which IDs a flow is known."""

from collections.abc import Collection

from tracing.models import FlowAlias, FlowTie
from tracing.reading import chunks
from tracing.ties import STEPS

NAMES = 5_000  # names of one flow that are read


def canonical(flow_id: str) -> str:
    """The flow that an ID leads to: itself, unless it is another name of one."""
    return leads_to([flow_id]).get(flow_id, flow_id)


def names_of(flow_id: str) -> list[str]:
    """All IDs of a flow: its own first, then its other names."""
    others = FlowAlias.objects.filter(flow_id=flow_id).order_by("alias")
    return [flow_id, *others.values_list("alias", flat=True)[:NAMES]]


def leads_to(flow_ids: Collection[str]) -> dict[str, str]:
    """Those of these IDs that are other names, and the flow each leads to."""
    found = _stored(flow_ids)
    # while aliases are being settled, one may lead to what is a name itself by now
    for _ in range(STEPS):
        further = _stored(set(found.values()) - found.keys())
        if not further:
            break
        found = {name: further.get(flow_id, flow_id) for name, flow_id in found.items()}
    return found


def _stored(flow_ids: Collection[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for chunk in chunks(sorted(flow_ids)):
        rows = FlowAlias.objects.filter(alias__in=chunk)
        found.update(rows.values_list("alias", "flow_id"))
    return found


def led_by(flow_ids: Collection[str]) -> dict[str, str]:
    """The other names of these flows, and the flow each leads to; NAMES of each."""
    found: dict[str, str] = {}
    for chunk in chunks(sorted(flow_ids)):
        rows = FlowAlias.objects.filter(flow_id__in=chunk).order_by("flow_id", "alias")
        found.update(rows.values_list("alias", "flow_id")[: NAMES * len(chunk)])
    return found


def forget(flow_ids: Collection[str]) -> None:
    """These flows are gone: so are their names and all they told; in the caller's transaction."""
    for chunk in chunks(sorted(flow_ids)):
        FlowAlias.objects.filter(flow_id__in=chunk).delete()
        FlowTie.objects.filter(flow_id__in=chunk).delete()
