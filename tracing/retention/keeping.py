"""Which flows retention leaves whole: pinned ones, those with open letters, those still dirty."""

from collections.abc import Callable, Collection, Sequence

from tracing.aliases import led_by
from tracing.models import Flow
from tracing.reading import chunks

Holder = Callable[[Sequence[str]], Collection[str]]  # of names of flows, those it needs
_holders: list[Holder] = []


def hold(holder: Holder) -> None:
    """Let another feature keep flows: `holder` answers by which of these names it needs one."""
    if holder not in _holders:
        _holders.append(holder)


def held(flow_ids: Collection[str]) -> set[str]:
    """Those of these flows that must stay, locked until the end of the caller's transaction.

    Locked are the others too, in the order in which every writer takes them: so nobody pins or
    marks one of them before its events are gone.
    """
    ids = sorted(flow_ids)
    rows = Flow.objects.filter(flow_id__in=ids).order_by("flow_id").select_for_update()
    kept = {
        flow_id
        for flow_id, pinned, dirty in rows.values_list("flow_id", "pinned_at", "dirty_since")
        if pinned is not None or dirty is not None
    }
    names = {**led_by(ids), **{flow_id: flow_id for flow_id in ids}}
    for chunk in chunks(sorted(names)):
        for holder in _holders:
            kept.update(names[name] for name in holder(chunk))
    return kept
