"""What other features may ask about what happened. Every answer costs what it returns."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection

from kit import limits
from tracing.aliases import canonical
from tracing.bulk import moment, on_sqlite
from tracing.cascade import Cascade
from tracing.loading import load
from tracing.models import Event, Flow, FlowAlias, FlowKey, Receipt
from tracing.reading import chunks, event_rows, events_of, receipt_rows
from tracing.rows import AttemptOutcome, EventRow, ReceiptRow

THROUGHPUT_ROWS = 50_000  # flows counted for one chart
NAMES = 200  # of types or of consumers to choose from
LATER_EVENTS = 5_000  # events of one chunk of lanes looked at together for something newer
LATER_OF_LANE = 1_000  # of each lane alone, where busy ones would hide the others

MINUTE = timedelta(minutes=1)
_BY_MINUTE = (
    "SELECT {1}, COUNT(*) FROM (SELECT {0} AS moment FROM tracing_flow"
    " WHERE {0} >= %s AND {0} < %s ORDER BY {0} DESC LIMIT %s) AS newest GROUP BY 1"
)
_HOP = """
WITH RECURSIVE seen(name) AS (
  SELECT MIN({0}) FROM {1}
  UNION ALL
  SELECT (SELECT MIN({0}) FROM {1} WHERE {0} > seen.name) FROM seen
  WHERE seen.name IS NOT NULL
)
SELECT name FROM seen WHERE name IS NOT NULL LIMIT %s
"""
NOT_SENT = ("letter", "inferred")  # origins of rows that no consumer sent
HANDLED = ("succeeded", "handled")
ATTEMPT_FIELDS = (
    "replay_attempt",
    "consumer",
    "outcome",
    "seen_at",
    "process",
    "error_type",
    "error_message",
)
Member = tuple[str, bytes, datetime, str]  # lane, event identity, published_at, consumer


def event(identity: bytes) -> EventRow | None:
    """One event, or None when it was not seen."""
    return next(event_rows(Event.objects.filter(identity=identity)), None)


def flow_of(flow_id: str) -> Flow | None:
    """The summary of one flow, by any of its names, or None."""
    return Flow.objects.filter(flow_id=canonical(flow_id)).first()


def seen_any() -> bool:
    """Whether any event has ever come in."""
    return Event.objects.exists()


def cascade_of(flow_id: str, *, truncated_before: datetime | None = None) -> Cascade | None:
    """The cascade of one flow, by any of its names, or None when nothing of it was seen.

    `truncated_before` is what its summary says; where retention left nothing, it has no nodes.
    """
    return load(flow_id, truncated_before=truncated_before)


def flow_and_cascade(flow_id: str) -> tuple[Flow, Cascade] | None:
    """The summary and the cascade of one flow, by any name; None when nothing of it was seen."""
    flow = flow_of(flow_id)
    if flow is None:
        return None
    cascade = cascade_of(flow.flow_id, truncated_before=flow.truncated_before)
    return None if cascade is None else (flow, cascade)


def keys_of(flow_id: str, most: int) -> list[str]:
    """The business keys of a flow, in order; at most so many."""
    found = FlowKey.objects.filter(flow_id=flow_id).order_by("key")
    return list(found.values_list("key", flat=True)[:most])


def aliases_of(flow_id: str, most: int) -> list[tuple[str, str]]:
    """The other names of a flow and why they are; at most so many."""
    found = FlowAlias.objects.filter(flow_id=flow_id).order_by("alias")
    return list(found.values_list("alias", "evidence")[:most])


def throughput(since: datetime, until: datetime) -> list[tuple[datetime, int, int]]:
    """How many flows started and ended in each minute between these whole ones, oldest first.

    At most THROUGHPUT_ROWS of each are counted, the newest; minutes that were not counted whole
    are left out: not counted is not zero.
    """
    started, complete = _by_minute("started_at", since, until)
    ended, both = _by_minute("ended_at", since, until)
    first = max(since, complete, both)
    minutes = (first + number * MINUTE for number in range(int((until - first) / MINUTE)))
    return [(minute, started[minute], ended[minute]) for minute in minutes]


def _by_minute(field: str, since: datetime, until: datetime) -> tuple[Counter[datetime], datetime]:
    """Flows by the minute of this moment, and since when they are all counted."""
    cut = "substr(moment, 1, 16)" if on_sqlite() else "date_trunc('minute', moment, 'UTC')"
    with connection.cursor() as cursor:
        span = [moment(since), moment(until), THROUGHPUT_ROWS]
        cursor.execute(_BY_MINUTE.format(field, cut), span)
        counts = Counter({_minute(text): number for text, number in cursor.fetchall()})
    if counts.total() < THROUGHPUT_ROWS:
        return counts, since
    return counts, min(counts) + MINUTE  # of its first minute there may be more


def _minute(found: datetime | str) -> datetime:
    at = datetime.fromisoformat(found) if isinstance(found, str) else found
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def event_types() -> list[str]:
    """The event types seen so far, the first NAMES by the alphabet."""
    return _names("type", "tracing_flowtype")


def consumers() -> list[str]:
    """The consumers seen so far in flows, the first NAMES by the alphabet."""
    return _names("consumer", "tracing_flowconsumer")


def _names(column: str, table: str) -> list[str]:
    """Found by hopping along the index of the column: as many steps as there are names."""
    with connection.cursor() as cursor:
        cursor.execute(_HOP.format(column, table), [NAMES])
        return [row[0] for row in cursor.fetchall()]


def receipts_of(event_identity: bytes, consumer: str) -> list[ReceiptRow]:
    """All that was said of one delivery, with stacks, oldest first by when it was stored.

    Without what is only inferred: that tells nothing of an attempt.
    """
    found = Receipt.objects.filter(identity=event_identity, consumer=consumer)
    return list(receipt_rows(found.exclude(origin="inferred").order_by("id"), with_stack=True))


def outcomes_of_attempts(attempts: Sequence[str]) -> Iterator[AttemptOutcome]:
    """What the consumers said of these replay attempts, oldest first in each chunk of them."""
    for chunk in chunks(sorted({attempt for attempt in attempts if attempt})):
        found = (
            Receipt.objects.filter(replay_attempt__in=chunk)
            .exclude(replay_attempt="")
            .exclude(origin__in=NOT_SENT)
            .order_by("id")
        )
        for row in found.values_list(*ATTEMPT_FIELDS):
            yield AttemptOutcome(*row)


def published_by(event_identity: bytes, consumer: str) -> list[EventRow]:
    """The effects already there: events that this consumer emitted handling this one."""
    named = [
        identity for row in receipts_of(event_identity, consumer) for identity in row.published
    ]
    found = Event.objects.filter(identity__in=named[: limits.PAGE_MAX]).order_by("id")
    return list(event_rows(found))


@dataclass(frozen=True, slots=True)
class Effects:
    """What the attempts of several deliveries published: type -> events; by how many receipts."""

    types: dict[str, int]
    receipts: int


def effects_of(deliveries: Sequence[tuple[bytes, str]]) -> Effects:
    """The effects already there of many deliveries (event identity, consumer), in bulk."""
    wanted = set(deliveries)
    named: set[bytes] = set()
    receipts = 0
    for chunk in chunks(sorted({identity for identity, _ in wanted})):
        found = Receipt.objects.filter(identity__in=chunk).exclude(origin__in=NOT_SENT)
        for identity, consumer, published in found.values_list("identity", "consumer", "published"):
            if (bytes(identity), consumer) in wanted:
                receipts += 1
                named.update(bytes.fromhex(text) for text in published)
    types: dict[str, int] = {}
    for row in events_of(named):
        types[row.type] = types.get(row.type, 0) + 1
    return Effects(types, receipts)


def newer_handled(members: Sequence[Member]) -> dict[tuple[bytes, str], str]:
    """Which of these were superseded: (identity, consumer) -> in words what was handled since.

    Superseded means: the same consumer handled a newer event of the same key on the same
    topic. Order is promised only within a topic, so that two causes a consumer waits for
    (payment and stock of one order) do not supersede each other.
    """
    answer: dict[tuple[bytes, str], str] = {}
    for chunk in chunks([member for member in members if member[0]]):
        answer.update(_superseded(chunk))
    return answer


def _superseded(members: Sequence[Member]) -> dict[tuple[bytes, str], str]:
    own = {row.identity: row for row in events_of({member[1] for member in members})}
    later = _later_events(
        {member[0] for member in members}, min(published_at for _, _, published_at, _ in members)
    )
    handled = _handled(
        {row.identity for rows in later.values() for row in rows},
        {member[3] for member in members},
    )
    answer: dict[tuple[bytes, str], str] = {}
    for lane, identity, published_at, consumer in members:
        mine = own.get(identity)
        for row in later.get(lane, ()):
            newer = row.identity != identity and row.published_at > published_at
            same_topic = mine is None or (mine.broker, mine.topic) == (row.broker, row.topic)
            if newer and same_topic and (row.identity, consumer) in handled:
                moment = row.published_at.strftime("%H:%M:%S")
                answer[identity, consumer] = f"{consumer} has handled {row.type} of {moment}"
                break
    return answer


def _later_events(lanes: set[str], since: datetime) -> dict[str, list[EventRow]]:
    """The events of these lanes that were published since, the newest first."""
    newer = Event.objects.filter(published_at__gt=since).exclude(partition_key="").order_by("-id")
    found = list(event_rows(newer.filter(partition_key__in=sorted(lanes))[:LATER_EVENTS]))
    if len(found) == LATER_EVENTS:
        each = (newer.filter(partition_key=lane)[:LATER_OF_LANE] for lane in sorted(lanes))
        found = [row for rows in each for row in event_rows(rows)]
    answer: dict[str, list[EventRow]] = {}
    for row in found:
        answer.setdefault(row.partition_key, []).append(row)
    return answer


def succeeded_with(deliveries: Sequence[tuple[bytes, str]]) -> dict[tuple[bytes, str], datetime]:
    """When these deliveries (event identity, consumer) succeeded first, where they ever did."""
    wanted = set(deliveries)
    answer: dict[tuple[bytes, str], datetime] = {}
    for chunk in chunks(sorted({identity for identity, _ in wanted})):
        rows = Receipt.objects.filter(identity__in=chunk, outcome="succeeded")
        for identity, consumer, at in rows.values_list("identity", "consumer", "seen_at"):
            key = bytes(identity), consumer
            if key in wanted:
                answer[key] = min(at, answer.get(key, at))
    return answer


def _handled(identities: set[bytes], consumers: set[str]) -> set[tuple[bytes, str]]:
    answer: set[tuple[bytes, str]] = set()
    for chunk in chunks(sorted(identities)):
        found = Receipt.objects.filter(
            identity__in=chunk, consumer__in=sorted(consumers), outcome__in=HANDLED
        ).values_list("identity", "consumer")
        answer.update((bytes(identity), consumer) for identity, consumer in found)
    return answer
