"""Pure: the summary of a flow, recomputed from its rows (never incremented)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tracing.cascade import Delivery, DeliveryState, deliveries
from tracing.rows import EventRow, ReceiptRow

DEAD = (DeliveryState.FAILED, DeliveryState.REPLAYING)
ACTIVE = (DeliveryState.RUNNING, DeliveryState.RETRYING)
REASON_MAX = 300


class Status(StrEnum):
    """Where a flow stands (DESIGN, the main job)."""

    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"
    MENDED = "mended"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Ends:
    """What ends a flow: declared types, or (never "complete") nothing new for a while."""

    terminal: frozenset[str]
    quiet_after: timedelta


@dataclass(frozen=True, slots=True)
class Summary:
    """A flow in one row. `recheck_at`: when time alone may change the status."""

    status: Status
    reason: str
    root_type: str
    events: int
    deliveries: int
    open_letters: int
    started_at: datetime
    last_at: datetime
    ended_at: datetime | None
    recheck_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Verdict:
    status: Status
    reason: str
    ended_at: datetime | None = None
    recheck_at: datetime | None = None


def earliest(events: Iterable[EventRow]) -> list[EventRow]:
    """The events in the order in which they were sent; the same for every order of arrival."""
    return sorted(events, key=lambda row: (row.published_at, row.identity))


def summarise(
    events: Sequence[EventRow], receipts: Iterable[ReceiptRow], ends: Ends, now: datetime
) -> Summary | None:
    """The summary of the flow these rows belong to; None when there are none."""
    rows = earliest(events)
    handled = deliveries(receipts, {row.identity: row.published_at for row in rows})
    times = [row.published_at for row in rows]
    times += [moment for delivery in handled for moment in _moments(delivery)]
    if not times:
        return None
    verdict = _verdict(rows, handled, ends, max(times), now)
    return Summary(
        status=verdict.status,
        reason=verdict.reason[:REASON_MAX],
        root_type=rows[0].type if rows else "",
        events=len(rows),
        deliveries=len(handled),
        open_letters=sum(delivery.state in DEAD for delivery in handled),
        started_at=rows[0].published_at if rows else min(times),
        last_at=max(times),
        ended_at=verdict.ended_at,
        recheck_at=verdict.recheck_at,
    )


def _moments(delivery: Delivery) -> list[datetime]:
    own = [delivery.started_at, *(mark.at for mark in delivery.marks)]
    return own + [attempt.ended_at or attempt.started_at for attempt in delivery.attempts]


def _verdict(
    events: Sequence[EventRow],
    handled: Sequence[Delivery],
    ends: Ends,
    last_at: datetime,
    now: datetime,
) -> _Verdict:
    dead = [delivery for delivery in handled if delivery.state in DEAD]
    if dead:
        return _Verdict(Status.FAILED, _why_failed(dead))
    mended = [delivery for delivery in handled if delivery.state is DeliveryState.MENDED]
    end = next((row for row in events if row.type in ends.terminal), None)
    if end is not None:
        return _ended(end, mended)
    active = [delivery for delivery in handled if delivery.state in ACTIVE]
    quiet_at = last_at + ends.quiet_after
    if now < quiet_at:
        return _Verdict(Status.RUNNING, _why_running(events, active), recheck_at=quiet_at)
    if mended and not active:
        return _Verdict(Status.MENDED, f"{_names(mended)} succeeded after a replay", last_at)
    return _Verdict(Status.QUIET, _why_quiet(events, active))


def _ended(end: EventRow, mended: Sequence[Delivery]) -> _Verdict:
    if not mended:
        return _Verdict(Status.COMPLETE, end.type, end.published_at)
    finished = max(delivery.ended_at or delivery.started_at for delivery in mended)
    reason = f"{_names(mended)} succeeded after a replay; {end.type}"
    return _Verdict(Status.MENDED, reason, max(end.published_at, finished))


def _why_failed(dead: Sequence[Delivery]) -> str:
    first = min(dead, key=lambda delivery: (delivery.started_at, delivery.id))
    more = f"; and {len(dead) - 1} more" if len(dead) > 1 else ""
    if first.state is DeliveryState.REPLAYING:
        return f"{first.consumer} is being replayed{more}"
    told = [attempt for attempt in first.attempts if not attempt.inferred]
    number = told[-1].number if told else 0
    tries = f" after {number} attempt{'' if number == 1 else 's'}" if number else ""
    return f"{first.consumer} gave up{tries}{more}"


def _why_running(events: Sequence[EventRow], active: Sequence[Delivery]) -> str:
    if active:
        retrying = [one for one in active if one.state is DeliveryState.RETRYING]
        verb = "will try again" if retrying else "is at work"
        return f"{_names(retrying or active)} {verb}"
    return f"last seen: {events[-1].type}" if events else ""


def _why_quiet(events: Sequence[EventRow], active: Sequence[Delivery]) -> str:
    if active:
        return f"nothing more was heard of {_names(active)}"
    return f"nothing came after {events[-1].type}" if events else "nothing more was heard"


def _names(found: Sequence[Delivery]) -> str:
    names = list(dict.fromkeys(delivery.consumer for delivery in found))
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
