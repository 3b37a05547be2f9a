"""Which flows retention leaves whole: pinned ones, those with open letters, those still dirty."""

from collections.abc import Callable, Collection, Sequence

from tracing.models import Flow

Holder = Callable[[Sequence[str]], Collection[str]]
_holders: list[Holder] = []


def hold(holder: Holder) -> None:
    """Let another feature keep flows: `holder` answers which of these it needs."""
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
    for holder in _holders:
        kept.update(holder(ids))
    return kept
