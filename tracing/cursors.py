"""How far streams were read that are read without a consumer group, and by which process.

The only writer of Cursor and Watch. A cursor moves in the transaction that stores the entries,
and only from where its reader believes it to be: of two readers one is told that it was overtaken.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.db import connection
from django.db.models import Count, Max, Min, Q, Sum

from brokers.contract import Beginning
from kit import clock
from kit.writes import writing
from tracing.bulk import IGNORE, Moment, Row, Table, moment
from tracing.models import Cursor, Event, Watch

HELD_FOR = timedelta(seconds=20)  # a killed process's broker goes over to another one after it
_TABLE = Table(
    "tracing_cursor",
    (
        *("broker", "stream", "position", "started", "left_out", "since", "added"),
        *("lost", "noticed", "noticed_at", "began_at", "read_at"),
    ),
)
_CUT = Q(left_out=None) | Q(left_out__gt=0)  # older entries were not taken in
_MOVE = (
    "UPDATE tracing_cursor SET position = %s, added = %s, lost = lost + %s, read_at = %s"
    " WHERE broker = %s AND stream = %s AND position = %s"
)
_NOTICE = (
    "UPDATE tracing_cursor SET noticed = %s, noticed_at = %s WHERE broker = %s AND stream = %s"
)


class Overtaken(Exception):
    """Another process has moved a cursor meanwhile: what was read is to be forgotten."""


class Move(msgspec.Struct, frozen=True):
    """One step of one cursor."""

    stream: str
    before: str  # where its reader believes it to be; "" with `beginning`
    position: str
    added: int | None = None
    beginning: Beginning | None = None
    lost: int = 0
    noticed: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stream is read on, and how many entries were ever added up to there."""

    position: str
    added: int | None


@dataclass(frozen=True, slots=True)
class Summary:
    """How the reading of a broker stands, over its streams."""

    streams: int
    since: datetime | None  # the earliest time that is read from, of streams not read in full
    cut: int  # streams of which older entries were not taken in
    left_out: int  # those entries, as far as they were counted
    counted: bool  # whether all of them were
    lost: int  # trimmed before they were read, at least
    read_at: datetime | None
    noticed: str  # the last thing odd
    noticed_at: datetime | None


def hold(broker: str, process: str, start: str) -> Watch | None:
    """Become or stay the reader of this broker; None while another process is.

    Where `start` is another than before, the streams that were not read in full begin anew: what
    is read again is known by its identity.
    """
    now = clock.now()
    until = now + HELD_FOR
    with writing():
        watch, made = Watch.objects.filter(broker=broker).first(), False
        if watch is None:
            mine = {"process": process, "held_until": until, "start": start}
            since = {"began_at": now, "looked_to": newest_event()}
            watch, made = Watch.objects.get_or_create(broker=broker, defaults={**mine, **since})
        free = Q(process=process) | Q(held_until__lte=now) | Q(held_until__gt=now + 2 * HELD_FOR)
        held = Watch.objects.filter(free, broker=broker)
        if not made and not held.update(process=process, held_until=until, start=start):
            return None
        if watch.start != start:
            Cursor.objects.filter(_CUT, broker=broker).delete()
    return watch


def newest_event() -> int:
    """The number of the newest event's row; 0 when there is none."""
    return Event.objects.aggregate(last=Max("id"))["last"] or 0


def release(broker: str, process: str) -> None:
    """Let another process read this broker at once."""
    with writing():
        Watch.objects.filter(broker=broker, process=process).update(held_until=clock.now())


def places(broker: str) -> dict[str, Place]:
    """Where each stream is read on."""
    found = Cursor.objects.filter(broker=broker).values_list("stream", "position", "added")
    return {stream: Place(position, added) for stream, position, added in found}


def move(broker: str, moves: Sequence[Move]) -> None:
    """Move these cursors, within the caller's transaction. Raises Overtaken."""
    if not connection.in_atomic_block:
        raise RuntimeError("cursors.move needs the caller's transaction")
    now = moment(clock.now())
    ordered = sorted(moves, key=lambda one: one.stream)
    _execute(
        _TABLE.insert(f"VALUES ({', '.join(['%s'] * len(_TABLE.columns))}) {IGNORE}"),
        [_row(broker, one, one.beginning, now) for one in ordered if one.beginning],
    )
    _execute(
        _MOVE,
        [
            (one.position, one.added, one.lost, now, broker, one.stream, one.before)
            for one in ordered
            if not one.beginning
        ],
    )
    _execute(
        _NOTICE,
        [(one.noticed[:200], now, broker, one.stream) for one in ordered if one.noticed],
    )


def _row(broker: str, one: Move, begun: Beginning, now: Moment) -> Row:
    since = moment(begun.since)
    head = (broker, one.stream, one.position, begun.position, begun.left_out, since, one.added)
    return (*head, one.lost, "", None, now, now)


def _execute(sql: str, rows: Sequence[Row]) -> None:
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.executemany(sql, rows)
        if cursor.rowcount != len(rows):
            raise Overtaken("another tap process reads this broker")


def summaries() -> dict[str, Summary]:
    """How the reading of each broker stands, by its name."""
    found = Cursor.objects.values("broker").annotate(
        streams=Count("pk"),
        since=Min("since", filter=_CUT),
        cut=Count("pk", filter=_CUT),
        left=Sum("left_out"),
        uncounted=Count("pk", filter=Q(left_out=None)),
        lost_all=Sum("lost"),
        last=Max("read_at"),
        odd_at=Max("noticed_at"),
    )
    return {row["broker"]: _summary(row) for row in found}


def _summary(row: Mapping[str, Any]) -> Summary:
    odd = Cursor.objects.filter(broker=row["broker"], noticed_at=row["odd_at"]).first()
    noticed = f"{odd.stream}: {odd.noticed}" if odd and row["odd_at"] else ""
    return Summary(
        streams=row["streams"],
        since=row["since"],
        cut=row["cut"],
        left_out=row["left"] or 0,
        counted=not row["uncounted"],
        lost=row["lost_all"] or 0,
        read_at=row["last"],
        noticed=noticed,
        noticed_at=row["odd_at"],
    )


def of_broker(broker: str) -> dict[str, Cursor]:
    """The cursor of each stream of a broker."""
    return {row.stream: row for row in Cursor.objects.filter(broker=broker)}


def left_out(streams: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int | None]:
    """Of these (broker, stream) those that are read: how many older entries were not taken in."""
    wanted = set(streams)
    found = Cursor.objects.filter(stream__in=sorted({stream for _, stream in wanted}))
    rows = found.values_list("broker", "stream", "left_out")
    return {(broker, stream): n for broker, stream, n in rows if (broker, stream) in wanted}


def watches() -> dict[str, Watch]:
    """Who reads each broker."""
    return {row.broker: row for row in Watch.objects.all()}
