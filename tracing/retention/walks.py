"""The walks of retention: each goes through one table by row ID, oldest first, batch by batch.

Row IDs grow with the time at which rows came in, so no further index is needed to find old ones.
Where a walk has come to is kept in its row of Sweep, in the same transaction as the deletion.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import TypeVar

from django.db.models import F, Model, QuerySet

from brokers.retention import Retention
from kit import clock
from kit.writes import writing
from tracing.models import Event, Flow, Malformed, Receipt, Span, Sweep
from tracing.retention import remove
from tracing.retention.remove import Old

BATCH = 250  # rows looked at, and deleted in one transaction: an event has up to three rows more
REWALK = timedelta(hours=1)  # from the first row on: what was held before may be free
LATE, LATE_OF = timedelta(hours=1), 20  # so long, and a part of its age, is too far behind
GRACE = timedelta(minutes=15)  # what came in since is not deleted for its size: a tap that was
# killed before it could acknowledge reads it again, and must know it
SIZE = "max_size"
_M = TypeVar("_M", bound=Model)


@dataclass(frozen=True, slots=True)
class Walk:
    """Through one table: what came in before `until` and is `wanted` goes."""

    name: str
    rows: Callable[[int, int], list[tuple[datetime, Old]]]  # after a row ID, so many
    remove: Callable[[Sequence[Old]], int]
    until: datetime
    wanted: Callable[[Old], bool] = lambda _: True
    age: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Step:
    """What one step did; `more`: whether there is more to do at once."""

    deleted: int
    more: bool
    held_s: float = 0.0  # how long other writers may have waited
    late: bool = False  # what it found should have gone long ago


def walks(retention: Retention, now: datetime, *, over: bool) -> Iterator[Walk]:
    """What is to be walked; `over`: the store is larger than it may be."""
    if over:
        yield Walk(SIZE, _events, remove.events, now - GRACE)
    for age in sorted({*filter(None, map(retention.of_type, ("", *retention.types)))}):
        yield _of_age(retention, age, now - age)
    for kind, rows, delete in (
        ("receipts", _receipts, remove.receipts),
        ("spans", _spans, remove.spans),
        ("malformed", _malformed, remove.malformed),
    ):
        kept = retention.age_of(kind)
        if kept is not None:
            yield Walk(kind, rows, delete, now - kept, age=kept)
    if retention.summary_age is not None:
        until = now - retention.summary_age
        yield Walk("summaries", _flows, remove.summaries, until, lambda row: row.at < until)


def _of_age(retention: Retention, age: timedelta, until: datetime) -> Walk:
    """The events of those types that have this age."""
    name = f"events {int(age.total_seconds())}s"
    others = retention.of_type("")
    ages = {type_: retention.of_type(type_) for type_ in retention.types}

    def wanted(row: Old) -> bool:
        return ages.get(row.type, others) == age

    return Walk(name, _events, remove.events, until, wanted, age)


def step(walk: Walk) -> Step:
    """Look at the next rows and delete what may go of them, in one transaction."""
    sweep, _ = Sweep.objects.get_or_create(name=walk.name)
    seen = walk.rows(sweep.position, BATCH)
    old = [row for _, row in takewhile(lambda pair: pair[0] < walk.until, seen)]
    if not old:
        _begin_anew(sweep)
        return Step(0, more=False)
    deleted, held_s = _delete(walk, list(filter(walk.wanted, old)), sweep, old[-1].id)
    late = deleted > 0 and walk.until - seen[0][0] > max(LATE, walk.age / LATE_OF)
    return Step(deleted, len(old) == BATCH, held_s, late)


def _delete(walk: Walk, batch: Sequence[Old], sweep: Sweep, position: int) -> tuple[int, float]:
    """How many rows were deleted, and the length of the transaction in seconds."""
    with writing():
        began = time.monotonic()
        remove.give_way()
        deleted = walk.remove(batch) if batch else 0
        changed: dict[str, object] = {"position": position}
        if deleted:
            reach = max(row.at for row in batch)
            newest = max(filter(None, (sweep.reach, reach)))
            changed |= {"deleted": F("deleted") + deleted, "last_at": clock.now(), "reach": newest}
        Sweep.objects.filter(pk=sweep.pk).update(**changed)
    return deleted, time.monotonic() - began


def _begin_anew(sweep: Sweep) -> None:
    """Once in a while: flows are unpinned and letters closed behind the walk's back."""
    if sweep.position and clock.now() - sweep.began_at >= REWALK:
        Sweep.objects.filter(pk=sweep.pk).update(position=0, began_at=clock.now())


def _events(after: int, most: int) -> list[tuple[datetime, Old]]:
    found = _after(Event, after, most).values_list(
        "received_at", "id", "flow_id", "published_at", "identity", "type"
    )
    return [(row[0], Old(*row[1:4], bytes(row[4]), row[5])) for row in found]


def _receipts(after: int, most: int) -> list[tuple[datetime, Old]]:
    found = _after(Receipt, after, most).values_list("received_at", "id", "flow_id", "seen_at")
    return [(row[0], Old(*row[1:])) for row in found]


def _spans(after: int, most: int) -> list[tuple[datetime, Old]]:
    found = _after(Span, after, most).values_list("received_at", "id", "trace_id", "started_at")
    return [(row[0], Old(*row[1:])) for row in found]


def _malformed(after: int, most: int) -> list[tuple[datetime, Old]]:
    found = _after(Malformed, after, most).values_list("received_at", "id")
    return [(at, Old(number, "", at)) for at, number in found]


def _flows(after: int, most: int) -> list[tuple[datetime, Old]]:
    """Flows by the ID of their row; one that lives long is passed over."""
    found = _after(Flow, after, most).values_list("started_at", "id", "flow_id", "last_at")
    return [(row[0], Old(*row[1:])) for row in found]


def _after(model: type[_M], after: int, most: int) -> "QuerySet[_M]":
    return model._default_manager.filter(id__gt=after).order_by("id")[:most]
