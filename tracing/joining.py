"""Flow aliases kept true: ties are told by the summariser and by spans, and settled here.

Settling a tie works out anew, from all ties around it, which flow its names lead to. Where that
changed, the flows concerned are marked dirty, and what follows from them is settled next.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from django.db import connection
from django.db.models import Q

from kit import clock
from kit.writes import writing
from tracing.bulk import moment, write
from tracing.columns import FLOW, MARK_DIRTY, flow_row
from tracing.models import JOINED, Flow, FlowAlias, FlowTie
from tracing.reading import chunks
from tracing.search import marks
from tracing.ties import (
    CLAIMS,
    FOLLOWS,
    HAS,
    HOLDS,
    MANY,
    OWNS,
    SEEKS,
    STEPS,
    TIES,
    Alias,
    Tie,
    aliases,
    is_firm,
    is_trace,
)

BATCH = 200  # ties settled in one transaction
NAMES = 2_000  # flow IDs looked at together: what is further away is not joined
LOCK = 0x07E1_59A6  # PostgreSQL's advisory lock of this module
AT_ONCE = 100  # selections in one statement
FIELDS = "name, relation, flow_id, evidence"
Standing = FlowTie.Standing


def tell(ties: Iterable[Tie]) -> None:
    """Write ties that are new, or told again; within the caller's transaction."""
    FlowTie.objects.bulk_create(
        [FlowTie(**tie._asdict()) for tie in sorted(ties)],
        update_conflicts=True,
        unique_fields=["relation", "name", "flow_id", "evidence"],
        update_fields=["standing"],
    )


def join() -> int:
    """Settle one batch of ties; how many those were."""
    if not FlowTie.objects.exclude(standing=0).exists():
        return 0
    now = clock.now()
    with writing():
        if not _alone():
            return 0
        rows = list(FlowTie.objects.exclude(standing=0).order_by("id")[:BATCH])
        gone = [row.pk for row in rows if row.standing == Standing.GONE]
        FlowTie.objects.filter(pk__in=gone).delete()
        FlowTie.objects.filter(pk__in=[row.pk for row in rows]).update(standing=Standing.SETTLED)
        _settle(rows, now)
    return len(rows)


def _alone() -> bool:
    """One process settles at a time, so that each sees all that the one before worked out."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        return bool(cursor.fetchone()[0])


def _settle(rows: Sequence[FlowTie], now: datetime) -> None:
    names, ties, beyond = _around(_touched(rows))
    found = aliases(names, ties, beyond)
    stored = {
        row.alias: Alias(row.flow_id, row.evidence)
        for chunk in chunks(sorted(names))
        for row in FlowAlias.objects.filter(alias__in=chunk)
    }
    changed = {name for name in names if found.get(name) != stored.get(name)}
    if not changed:
        return
    _write({name: found.get(name) for name in changed}, now)
    moved = {name for name in changed if _flow(found, name) != _flow(stored, name)}
    _mark(moved, found, stored, now)
    _ask_again(moved, ties)


def _flow(known: Mapping[str, Alias], name: str) -> str:
    return known[name].flow_id if name in known else name


def _touched(rows: Iterable[FlowTie]) -> set[str]:
    """The flow IDs that these ties can say something new of."""
    names: set[str] = set()
    events: set[str] = set()
    for row in rows:
        if row.relation == OWNS:
            names.add(row.name)
        elif row.relation in (SEEKS, FOLLOWS):
            names.add(row.flow_id)
        else:
            events.add(row.name)
    held = {row.name for row in rows if row.relation in (HAS, HOLDS)}
    # an ID that can be a trace's may have been taken for one until now
    names.update(row.flow_id for row in rows if is_trace(row.flow_id))
    names.update(tie.flow_id for tie in _of_names(events, (HAS,)))
    for chunk in chunks(sorted(held)):
        FlowTie.objects.filter(relation=FOLLOWS, name__in=chunk, standing=0).update(
            standing=Standing.NEW
        )
    return names


def _around(starts: Collection[str]) -> tuple[set[str], set[Tie], set[str]]:
    """The flow IDs near these, all ties that say where they lead, and IDs that are too far.

    Near is what is STEPS away: a tie more can tell nothing new of others.
    """
    ties: set[Tie] = set()
    known, near, front = set(starts), set(starts), set(starts)
    for step in range(1, 2 * STEPS + 1):
        if not front or len(known) > NAMES:
            break
        found = set(_beside(front))
        ties |= found
        firm = {tie.flow_id for tie in found if is_firm(tie)}
        reached = {tie.flow_id for tie in found} | {t.name for t in found if t.relation == SEEKS}
        front = reached - firm - known
        known |= front
        if step <= STEPS:
            near |= front
    return near, ties, front


def _beside(flow_ids: Collection[str]) -> Iterator[Tie]:
    """The ties of these flows, and what others say of what they have and name."""
    own = list(_of_flows(flow_ids))
    has = {tie.name for tie in own if tie.relation == HAS}
    said = {tie.name for tie in own if tie.relation in (CLAIMS, FOLLOWS)}
    yield from own
    yield from _of_names(flow_ids, (OWNS, SEEKS))
    yield from _of_names(has, (CLAIMS, FOLLOWS))
    yield from _of_names(has | said, (HAS, HOLDS))


def _of_flows(flow_ids: Collection[str]) -> Iterator[Tie]:
    where = f"flow_id = %s AND standing <> 2 ORDER BY relation, name LIMIT {TIES}"
    return _selected(where, [(flow_id,) for flow_id in sorted(flow_ids)])


def _of_names(names: Collection[str], relations: Sequence[str]) -> Iterator[Tie]:
    where = f"relation = %s AND name = %s AND standing <> 2 ORDER BY flow_id LIMIT {MANY + 1}"
    return _selected(where, [(one, name) for one in relations for name in sorted(names)])


def _selected(where: str, values: Sequence[tuple[str, ...]]) -> Iterator[Tie]:
    """A selection for each of these values, each with a limit of its own."""
    one = f"SELECT * FROM (SELECT {FIELDS} FROM tracing_flowtie WHERE {where}) AS each"  # noqa: S608
    with connection.cursor() as cursor:
        for start in range(0, len(values), AT_ONCE):
            part = values[start : start + AT_ONCE]
            statement = " UNION ALL ".join([one] * len(part))
            cursor.execute(statement, [value for row in part for value in row])
            yield from (Tie(*row) for row in cursor.fetchall())


def _write(changed: Mapping[str, Alias | None], now: datetime) -> None:
    for chunk in chunks(sorted(name for name, alias in changed.items() if alias is None)):
        FlowAlias.objects.filter(alias__in=chunk).delete()
    FlowAlias.objects.bulk_create(
        [
            FlowAlias(alias=name, flow_id=alias.flow_id, evidence=alias.evidence, learned_at=now)
            for name, alias in sorted(changed.items())
            if alias is not None
        ],
        update_conflicts=True,
        unique_fields=["alias"],
        update_fields=["flow_id", "evidence", "learned_at"],
    )


def _mark(
    moved: Collection[str], found: Mapping[str, Alias], stored: Mapping[str, Alias], now: datetime
) -> None:
    """Flows that gained or lost a name are dirty; one that is now a name is no flow of its own."""
    own = {
        flow_id
        for chunk in chunks(sorted(moved))
        for flow_id in Flow.every.filter(flow_id__in=chunk).values_list("flow_id", flat=True)
    }
    concerned = {_flow(known, name) for name in own for known in (found, stored)}
    flows = {
        flow.flow_id: flow
        for chunk in chunks(sorted(concerned | own))
        for flow in Flow.every.select_for_update().filter(flow_id__in=chunk).order_by("flow_id")
    }
    names = sorted(name for name in moved if name in found and name in flows)
    for chunk in chunks(names):
        Flow.every.filter(flow_id__in=chunk).update(status=JOINED, recheck_at=None)
        marks.forget(chunk)
    _pass_on([flows[name] for name in names], found)
    for chunk in chunks(sorted(name for name in moved if name not in found)):
        Flow.every.filter(flow_id__in=chunk, status=JOINED).update(status="running")
    starts = {_flow(found, name): flows[name].started_at for name in names}
    dirty = {
        flow_id: moment(starts.get(flow_id, now))
        for flow_id in concerned - set(found)
        if flow_id in flows or flow_id in starts
    }
    write(FLOW, [flow_row(one, at, moment(now)) for one, at in sorted(dirty.items())], MARK_DIRTY)


def _pass_on(flows: Iterable[Flow], found: Mapping[str, Alias]) -> None:
    """What people and retention said of a flow holds for the one that it is joined to."""
    for flow in flows:
        whole = Flow.every.filter(flow_id=found[flow.flow_id].flow_id)
        if flow.pinned_at:
            pin = {"pinned_at": flow.pinned_at, "pinned_by": flow.pinned_by}
            whole.filter(pinned_at=None).update(**pin)
        if flow.truncated_before:
            later = Q(truncated_before=None) | Q(truncated_before__lt=flow.truncated_before)
            whole.filter(later).update(truncated_before=flow.truncated_before)


def _ask_again(moved: Collection[str], ties: Iterable[Tie]) -> None:
    """What came of a flow goes where it goes: of very many, not all were looked at just now."""
    events = {tie.name for tie in ties if tie.relation == HAS and tie.flow_id in moved}
    settled = FlowTie.objects.filter(standing=0)
    for chunk in chunks(sorted(moved)):
        settled.filter(relation=SEEKS, name__in=chunk).update(standing=Standing.NEW)
        settled.filter(relation=CLAIMS, flow_id__in=chunk).update(standing=Standing.NEW)
    for chunk in chunks(sorted(events)):
        settled.filter(relation=FOLLOWS, name__in=chunk).update(standing=Standing.NEW)
