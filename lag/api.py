"""The API of lag: `GET /api/lag`."""

from datetime import datetime

from django.http import HttpRequest
from ninja import Router
from pydantic import BaseModel

from kit.clock import rfc3339
from kit.permissions import Permission
from kit.security import BearerOrSession
from lag import queries
from lag.filters import LagFilter
from lag.models import Position, Standing

MAX_ITEMS = 1_000


class StreamOut(BaseModel):
    """One consumer on one stream; null is unknown."""

    stream: str
    messages: int | None
    method: str
    oldest_s: float | None
    pending: int | None
    cursor: str
    head: str
    lost: int | None
    reason: str


class LagOut(BaseModel):
    """One consumer of one topic; null is unknown, an age of 0 is "nothing waits"."""

    broker: str
    topic: str
    consumer: str
    verdict: str
    reason: str
    rule: str
    since: str
    sampled_at: str
    messages: int | None
    method: str
    oldest_s: float | None
    pending: int | None
    oldest_pending_s: float | None
    processes: int | None
    lost: int | None
    payload_lost: int
    in_per_min: float | None
    out_per_min: float | None
    drain_s: float | None
    streams: list[StreamOut]


class DepthOut(BaseModel):
    """One dead-letter queue on a broker."""

    broker: str
    stream: str
    consumer: str
    messages: int | None
    oldest_at: str | None


class BrokerOut(BaseModel):
    """The last round of one broker; `error` is empty when it answered."""

    broker: str
    sampled_at: str | None
    error: str
    failing_since: str | None
    note: str


class LagsOut(BaseModel):
    """All consumers, worst first, with the dead-letter queues and the state of each broker."""

    items: list[LagOut]
    next: str | None
    count: int
    estimated: bool
    depths: list[DepthOut]
    brokers: list[BrokerOut]


router = Router(tags=["lag"])


@router.get("/lag", response=LagsOut, auth=BearerOrSession(Permission.READ))
def list_lag(request: HttpRequest) -> LagsOut:
    """How far behind every consumer is; `q` and `verdict` narrow it as on the page."""
    return document(LagFilter.from_query(request.GET))


def document(chosen: LagFilter) -> LagsOut:
    """What the API answers and `./manage.py lag --json` prints."""
    rows = list(chosen.apply(queries.standings()))
    streams: dict[tuple[str, str, str], list[StreamOut]] = {}
    for line in queries.positions():
        streams.setdefault((line.broker, line.topic, line.consumer), []).append(_stream(line))
    return LagsOut(
        items=[
            _item(row, streams.get((row.broker, row.topic, row.consumer), []))
            for row in rows[:MAX_ITEMS]
        ],
        next=None,
        count=len(rows),
        estimated=False,
        depths=[
            DepthOut(
                broker=depth.broker,
                stream=depth.stream,
                consumer=depth.consumer,
                messages=depth.messages,
                oldest_at=_time(depth.oldest_at),
            )
            for depth in queries.depths()
        ],
        brokers=[
            BrokerOut(
                broker=snapshot.broker,
                sampled_at=_time(snapshot.sampled_at),
                error=snapshot.error,
                failing_since=_time(snapshot.failing_since),
                note=snapshot.note,
            )
            for snapshot in queries.snapshots()
        ],
    )


def _item(row: Standing, streams: list[StreamOut]) -> LagOut:
    return LagOut(
        broker=row.broker,
        topic=row.topic,
        consumer=row.consumer,
        verdict=row.verdict,
        reason=row.reason,
        rule=row.rule,
        since=rfc3339(row.since),
        sampled_at=rfc3339(row.sampled_at),
        messages=row.messages,
        method=row.method,
        oldest_s=row.oldest_s,
        pending=row.pending,
        oldest_pending_s=row.oldest_pending_s,
        processes=row.processes,
        lost=row.lost,
        payload_lost=row.payload_lost,
        in_per_min=row.in_per_min,
        out_per_min=row.out_per_min,
        drain_s=row.drain_s,
        streams=streams,
    )


def _stream(row: Position) -> StreamOut:
    return StreamOut(
        stream=row.stream,
        messages=row.messages,
        method=row.method,
        oldest_s=row.oldest_s,
        pending=row.pending,
        cursor=row.cursor,
        head=row.head,
        lost=row.lost,
        reason=row.reason,
    )


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
