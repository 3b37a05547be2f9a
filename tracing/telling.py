"""What flows tell of themselves and of others (tracing/ties.py), read out of their rows."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from django.db.models import Case, F, TextField, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Substr

from tracing.joining import Standing, tell
from tracing.models import Event, FlowTie
from tracing.reading import chunks, event_rows, events_of
from tracing.rows import EventRow, ReceiptRow
from tracing.ties import (
    CAUSATION,
    CLAIMS,
    DELIVERY,
    FOLLOWS,
    HAS,
    HOLDS,
    MEMBER,
    TRACE,
    Tie,
    correlated,
    event_name,
    identity_name,
    is_trace,
    told,
)

ELSEWHERE = 5  # events of one ID that are looked at: those of two flows name neither
OURS = (TRACE, CAUSATION, DELIVERY, MEMBER)  # evidence told here, and by nobody else
_TRACEPARENT = Case(
    When(traceparent="", then=KeyTextTransform("traceparent", "headers")),
    default=F("traceparent"),
    output_field=TextField(),
)

Rows = Mapping[str, Sequence[EventRow]]


def tell_of(ids: Sequence[str], events: Rows, receipts: Mapping[str, Sequence[ReceiptRow]]) -> None:
    """Write what these flows tell by now, and take back what they tell no more.

    Within the caller's transaction. A flow's own rows alone count, not those joined to it.
    """
    traces = _traces(ids)
    stored = _stored(ids)
    now: set[Tie] = set()
    for one in ids:
        now |= told(one, events.get(one, ()), receipts.get(one, ()), traces[one])
    spoken_of = FlowTie.objects.filter(relation__in=(CLAIMS, FOLLOWS))
    fresh = {tie for tie in now - stored if tie.relation in (CLAIMS, FOLLOWS)}
    if fresh or spoken_of.exists():
        now |= set(_members(ids, events, traces, {tie.name for tie in fresh}))
    tell((now - stored) | set(_elsewhere(fresh, set(ids), events, receipts)))
    for tie in sorted(stored - now):
        FlowTie.objects.filter(**tie._asdict()).update(standing=Standing.GONE)


def _traces(ids: Sequence[str]) -> dict[str, set[str]]:
    """The traces that the events of each flow bear: their own, else their transport's."""
    found: dict[str, set[str]] = defaultdict(set)
    rows = (
        Event.objects.filter(flow_id__in=ids)
        .annotate(trace=Substr(_TRACEPARENT, 4, 32))
        .values_list("flow_id", "trace")
        .distinct()
    )
    for flow_id, trace in rows:
        if trace and is_trace(trace):
            found[flow_id].add(trace)
    return found


def _stored(ids: Sequence[str]) -> set[Tie]:
    rows = FlowTie.objects.filter(flow_id__in=ids, evidence__in=OURS).exclude(standing=2)
    return {Tie(*row) for row in rows.values_list("name", "relation", "flow_id", "evidence")}


def _members(
    ids: Iterable[str], events: Rows, traces: Mapping[str, Collection[str]], fresh: Collection[str]
) -> Iterator[Tie]:
    """The events of these flows that somebody names."""
    names = {
        name: one
        for one in ids
        for row in events.get(one, ())
        for name in (event_name(row.event_id), identity_name(row.identity))
    }
    named = set(fresh)
    for chunk in chunks(sorted(names)):
        spoken_of = FlowTie.objects.filter(relation__in=(CLAIMS, FOLLOWS), name__in=chunk)
        named.update(spoken_of.exclude(standing=2).values_list("name", flat=True))
    if named.isdisjoint(names):
        return
    for one in ids:
        rows = events.get(one, ())
        relation = HOLDS if correlated(one, rows, traces[one]) else HAS
        for row in rows:
            for name in (event_name(row.event_id), identity_name(row.identity)):
                if name in named:
                    yield Tie(name, relation, one, MEMBER)


def _elsewhere(
    fresh: Iterable[Tie],
    ids: Collection[str],
    events: Rows,
    receipts: Mapping[str, Sequence[ReceiptRow]],
) -> Iterator[Tie]:
    """The events that are named for the first time, where they are in other flows."""
    names = {tie.name for tie in fresh}
    if not names:
        return
    causes = {event_name(c): c for one in ids for row in events.get(one, ()) for c in row.causes}
    sent = {
        identity_name(i): i for one in ids for row in receipts.get(one, ()) for i in row.published
    }
    found = list(_of_ids([causes[name] for name in sorted(names & causes.keys())], ids))
    found += events_of([sent[name] for name in sorted(names & sent.keys())])
    rows = {row.identity: row for row in found if row.flow_id not in ids}.values()
    traces = _traces(sorted({row.flow_id for row in rows}))
    for row in rows:
        relation = HOLDS if correlated(row.flow_id, [row], traces[row.flow_id]) else HAS
        for name in (event_name(row.event_id), identity_name(row.identity)):
            if name in names:
                yield Tie(name, relation, row.flow_id, MEMBER)


def _of_ids(event_ids: Sequence[str], ids: Collection[str]) -> Iterator[EventRow]:
    """Some events of these IDs, of other flows than these."""
    for chunk in chunks(event_ids):
        others = Event.objects.exclude(flow_id__in=sorted(ids)).order_by("id")
        most = ELSEWHERE * len(chunk)
        rows = list(event_rows(others.filter(event_id__in=chunk)[:most]))
        if len(rows) == most:
            each = (others.filter(event_id=one)[:ELSEWHERE] for one in chunk)
            rows = [row for few in each for row in event_rows(few)]
        yield from rows
