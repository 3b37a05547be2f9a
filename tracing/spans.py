"""Spans as stored: kept light, so that what comes later can be tied to what came before.

The only writer and reader of `tracing_span`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice

import msgspec
from django.db import connection

from brokers.config import Keys
from kit import clock
from kit.limits import TRANSACTION_ROWS
from kit.writes import writing
from tracing import store
from tracing.joining import tell
from tracing.models import Span as StoredSpan
from tracing.otlp import Evidence, Reading, Span, evidence
from tracing.otlp.evidence import by_place
from tracing.otlp.model import SOURCE, Place
from tracing.otlp.relations import STEPS
from tracing.rows import SPAN_BROKER
from tracing.store import Seen
from tracing.ties import CONVERSATION, LINK, OWNS, SEEKS, Tie

BATCH = TRANSACTION_ROWS // 4  # events or receipts in one transaction: up to four rows each
SPANS = 500  # spans in one transaction
RELATED = 20_000  # spans read to tie new ones to: the others of their traces are left apart
TRACES = 500  # traces that one request is tied to
LOCK = 0x07E1_59A5  # PostgreSQL's advisory lock of this module
CHUNK = 500  # members of one IN list
FIELDS = (
    "trace_id",
    "span_id",
    "parent_id",
    "name",
    "kind",
    "service",
    "started_at",
    "duration_ms",
    "failed",
    "process",
    "release",
)

_DECODER = msgspec.json.Decoder(Reading)


def take(spans: Sequence[Span], *, keys: Keys) -> None:
    """Store these spans and all they prove, in transactions of its own.

    First the spans, then, with all that is known by then, what they prove: of two requests with
    two ends of one tie, the later one sees both. A request that failed in between is sent again.
    """
    for start in range(0, len(spans), SPANS):
        new = by_place(spans[start : start + SPANS])
        with writing():
            _write(new.values())
            tell(_ties(new.values()))
        if _says_nothing(new):
            continue
        known = {**_related(new), **new}
        found = evidence(new.keys(), known)
        while batch := list(islice(found, BATCH)):
            with writing():
                _wait_for_others()
                store.take(_seen(batch), keys=keys)


def _wait_for_others() -> None:
    """One request at a time says what its spans prove, so that each sees what the one before said.

    The spans of one cascade come from many services at once, and an event and its receipt that
    are written at the same moment would not see each other. SQLite has one writer anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def _says_nothing(new: Mapping[Place, Span]) -> bool:
    """Whether these spans prove nothing, and no messaging span of their traces needs them."""
    if any(span.reading is not None for span in new.values()):
        return False
    traces = sorted({span.trace_id for span in new.values()})
    return not any(
        StoredSpan.objects.filter(trace_id__in=chunk).exclude(reading="").exists()
        for chunk in _chunks(traces)
    )


def _write(spans: Iterable[Span]) -> None:
    now = clock.now()
    rows = [
        StoredSpan(
            **{name: getattr(span, name) for name in FIELDS},
            reading="" if span.reading is None else msgspec.json.encode(span.reading).decode(),
            origin_trace_id=span.origin[0] if span.origin[0] != span.trace_id else "",
            received_at=now,
        )
        for span in sorted(spans, key=lambda span: span.place)
    ]
    StoredSpan.objects.bulk_create(rows, ignore_conflicts=True)


def _ties(spans: Iterable[Span]) -> set[Tie]:
    """Which flows the traces of these spans are other names of."""
    found: set[Tie] = set()
    for span in spans:
        said = span.reading
        if said is None:
            continue
        own, origin = span.trace_id, span.origin[0] if len(said.messages) == 1 else ""
        traces = {own, origin} - {"", said.conversation}
        if said.conversation:
            found |= {Tie(trace, OWNS, said.conversation, CONVERSATION) for trace in traces}
        if origin not in ("", own):
            found.add(Tie(origin, SEEKS, own, LINK))
    return found


def _related(new: Mapping[Place, Span]) -> dict[Place, Span]:
    """The spans of the traces that these come from, and of those that came from these."""
    own = {span.trace_id for span in new.values()}
    known = by_place(_read(own, RELATED))
    traces = own | {trace for trace, _ in known}
    for _ in range(STEPS):  # those further on
        further = _further(own) - traces
        if not further or len(traces) + len(further) > TRACES:
            break
        traces |= further
        known |= by_place(_read(further, RELATED - len(known)))
        own = further
    for _ in range(STEPS):  # those further back
        named = {span.origin[0] for span in (*known.values(), *new.values())}
        back = named - traces - {""}
        if not back or len(traces) + len(back) > TRACES:
            break
        traces |= back
        known |= by_place(_read(back, RELATED - len(known)))
    return known


def _further(traces: Collection[str]) -> set[str]:
    """The traces whose handlings took messages from these."""
    found: set[str] = set()
    for chunk in _chunks(sorted(traces)):
        rows = StoredSpan.objects.filter(origin_trace_id__in=chunk).exclude(origin_trace_id="")
        found.update(rows.values_list("trace_id", flat=True)[:TRACES])
    return found


def _read(traces: Collection[str], most: int) -> Iterator[Span]:
    for chunk in _chunks(sorted(traces)):
        rows = StoredSpan.objects.filter(trace_id__in=chunk).order_by("id")[: max(0, most)]
        for reading, *values in rows.values_list("reading", *FIELDS):
            said = _DECODER.decode(reading) if reading else None
            yield Span(**dict(zip(FIELDS, values, strict=True)), reading=said)


def _seen(found: Sequence[Evidence]) -> list[Seen]:
    """For the store, which keeps what the envelope itself says of an event, if it came."""
    return [
        Seen(
            broker=SPAN_BROKER,
            stream=one.stream or SOURCE,
            topic=one.stream,
            position=f"{one.span.trace_id}-{one.span.span_id}",
            time=None,
            message=one.envelope,
            origin=one.origin,
        )
        for one in found
    ]


def _chunks(members: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(members), CHUNK):
        yield members[start : start + CHUNK]
