"""Keeps the summaries of flows true: writers mark flows dirty, this recomputes them.

The rows are locked while they are recomputed, so that a writer which marks a flow again does so
after the summary is written, and the mark stays. On SQLite the fair gate is that lock.
"""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain

from django.db import DatabaseError, InterfaceError, OperationalError, connection

from brokers.config import Config, current
from kit import clock
from kit.writes import writing
from tracing import joining, receipts, routes
from tracing.aliases import leads_to, led_by
from tracing.bulk import moment, write
from tracing.columns import FLOW, MARK_DIRTY, flow_row
from tracing.gathering import Gathered
from tracing.models import JOINED, Flow
from tracing.retention import returned
from tracing.search import index, marks
from tracing.summary import Ends, Status, Summary, summarise
from tracing.telling import tell_of
from tracing.truncation import Cut, after_cut

BATCH = 75  # flows in one transaction: with their marks about kit.limits.TRANSACTION_ROWS
IDLE_S = 0.25
ADOPT_EVERY_S = 5.0  # receipts that missed their event (receipts.adopt), and late words
WORDS_EVERY_S = 1.0  # a batch of words at least so often, however much there is to summarise
PUT_OFF = timedelta(minutes=5)  # of a flow that cannot be summarised; a new event asks sooner
AWAY = (OperationalError, InterfaceError)
log = logging.getLogger(__name__)
FIELDS = (
    "status",
    "reason",
    "root_type",
    "label",
    "events",
    "deliveries",
    "open_letters",
    "amount",
    "currency",
    "started_at",
    "last_at",
    "ended_at",
    "dirty_since",
    "recheck_at",
)


def run(stop: threading.Event) -> None:
    """Recompute until told to stop; the batch at hand is finished. Idle turns are for the words."""
    next_adoption = next_words = 0.0
    while not stop.is_set():
        try:
            if time.monotonic() >= next_adoption:
                next_adoption = time.monotonic() + ADOPT_EVERY_S
                receipts.adopt()
                index.index_late()
            done = summarise_batch()
            if done == 0 or time.monotonic() >= next_words:
                next_words = time.monotonic() + WORDS_EVERY_S
                done += index.index_batch()
        except DatabaseError:
            log.exception("the summaries wait: the database did not answer")
            connection.close()
            done = 0
        if done == 0:
            stop.wait(IDLE_S)


def summarise_all() -> int:
    """Recompute until nothing is dirty and nothing is due; how many flows that were."""
    total = 0
    while done := summarise_batch():
        total += done
    return total


def summarise_batch() -> int:
    """Recompute one batch of flows that are dirty or due, and settle one of ties; how many."""
    return _summarise() + _join()


def _join() -> int:
    """Ties that cannot be settled are in no summary's way."""
    try:
        return joining.join()
    except AWAY:
        raise
    except Exception:
        log.exception("aliases of flows wait: a batch of ties could not be settled")
        return 0


def _summarise() -> int:
    now, config = clock.now(), current()
    if _nothing_to_do(now):
        return 0
    ids: list[str] = []
    try:
        with writing():
            flows = _claimed(now)
            ids = [flow.flow_id for flow in flows]
            return _recompute(flows, config, now) if flows else 0
    except AWAY:
        raise
    except Exception:
        log.exception("a batch of summaries is written singly")
        _singly(ids, config, now)
    return len(ids)


def _singly(ids: Sequence[str], config: Config, now: datetime) -> None:
    """Each flow alone: one that cannot be summarised is put off, and is in no other's way."""
    for flow_id in ids:
        mine = Flow.every.filter(flow_id=flow_id)
        try:
            with writing():
                flows = list(mine.select_for_update(skip_locked=True))
                if flows:
                    _recompute(flows, config, now)
        except AWAY:
            raise
        except Exception:
            log.exception("the summary of flow %s is put off", flow_id)
            with writing():
                mine.update(dirty_since=None, recheck_at=now + PUT_OFF)


def _nothing_to_do(now: datetime) -> bool:
    dirty = Flow.every.filter(dirty_since__isnull=False)
    due = Flow.every.filter(recheck_at__isnull=False, recheck_at__lte=now)
    return not dirty.exists() and not due.exists()


def _claimed(now: datetime) -> list[Flow]:
    """The oldest work, locked; what another summariser holds is passed over."""
    free = Flow.every.select_for_update(skip_locked=True)
    flows = list(free.filter(dirty_since__isnull=False).order_by("dirty_since")[:BATCH])
    if len(flows) < BATCH:
        due = free.filter(recheck_at__isnull=False, recheck_at__lte=now, dirty_since=None)
        flows += due.order_by("recheck_at")[: BATCH - len(flows)]
    return sorted(flows, key=lambda flow: flow.flow_id)


def _recompute(flows: Sequence[Flow], config: Config, now: datetime) -> int:
    """Summarise these flows, or those that they are joined to; how many of them are done."""
    claimed = [flow.flow_id for flow in flows]
    lead = leads_to(claimed)
    whole = [*(flow for flow in flows if flow.flow_id not in lead), *_led(claimed, lead, now)]
    ids = [flow.flow_id for flow in whole]
    rows = Gathered({*claimed, *ids}, {**lead, **led_by(ids)})
    tell_of(claimed, rows.own, rows.told)
    returned.drop(whole, rows.events, rows.receipts, config.retention, now)
    _fill_all(whole, rows, config, now)
    joined = [one for one in claimed if lead.get(one) in ids]
    Flow.every.filter(flow_id__in=joined).update(status=JOINED, dirty_since=None, recheck_at=None)
    routes.learn(
        chain.from_iterable(rows.events.values()), chain.from_iterable(rows.receipts.values())
    )
    return sum(one in ids or one in joined for one in claimed)


def _led(claimed: Sequence[str], lead: Mapping[str, str], now: datetime) -> list[Flow]:
    """The flows that these are joined to, locked; one that another summariser holds has its turn
    later, and the name stays dirty until then."""
    wanted = sorted(set(lead.values()) - set(claimed))
    if not wanted:
        return []
    found = list(Flow.every.select_for_update(skip_locked=True).filter(flow_id__in=wanted))
    if len(found) < len(wanted):
        there = set(Flow.every.filter(flow_id__in=wanted).values_list("flow_id", flat=True))
        missing = [flow_row(one, moment(now), moment(now)) for one in wanted if one not in there]
        write(FLOW, missing, MARK_DIRTY)
    return found


def _fill_all(flows: Sequence[Flow], rows: Gathered, config: Config, now: datetime) -> None:
    labels = rows.labels(list(config.keys))
    amounts = rows.amounts(config)
    ends = Ends(frozenset(config.flows.terminal), timedelta(seconds=config.flows.quiet_after_s))
    names: list[marks.Found] = []
    filled: list[Flow] = []
    for flow in flows:
        seen, told = rows.events.get(flow.flow_id, []), rows.receipts.get(flow.flow_id, [])
        summary = summarise(seen, told, ends, now)
        if flow.truncated_before is not None:
            summary = after_cut(summary, _cut_of(flow))
        if summary is None:
            continue
        filled.append(flow)
        flow.dirty_since = flow.recheck_at = None
        _fill(flow, summary)
        flow.label = labels.get(flow.flow_id, "")
        if flow.flow_id in amounts or flow.truncated_before is None:
            flow.amount, flow.currency = amounts.get(flow.flow_id, (None, ""))
        cut = flow.truncated_before is not None
        names.append(marks.found(flow.flow_id, flow.started_at, seen, told, cut_off=cut))
    _forget(sorted({flow.flow_id for flow in flows} - {flow.flow_id for flow in filled}))
    _write(filled)
    marks.keep(names)


def _cut_of(flow: Flow) -> Cut:
    return Cut(
        status=Status(flow.status),
        reason=flow.reason,
        root_type=flow.root_type,
        events=flow.cut_events,
        deliveries=flow.deliveries,
        started_at=flow.started_at,
        last_at=flow.last_at,
        ended_at=flow.ended_at,
        stood=flow.cut_status,
    )


def _forget(ids: Sequence[str]) -> None:
    """Flows whose events all turned out to be of another one. Their keys stay: a writer may be
    about to say them again."""
    if ids:
        Flow.every.filter(flow_id__in=ids).delete()
        marks.forget(ids)


def _fill(flow: Flow, summary: Summary) -> None:
    flow.status = summary.status.value
    flow.reason = summary.reason
    flow.root_type = summary.root_type
    flow.events = summary.events
    flow.deliveries = summary.deliveries
    flow.open_letters = summary.open_letters
    flow.started_at = summary.started_at
    flow.last_at = summary.last_at
    flow.ended_at = summary.ended_at
    flow.recheck_at = summary.recheck_at


def _write(flows: Sequence[Flow]) -> None:
    """One statement for all summaries: they are there, so the insert is an update."""
    Flow.every.bulk_create(
        [
            Flow(flow_id=flow.flow_id, **{name: getattr(flow, name) for name in FIELDS})
            for flow in flows
        ],
        update_conflicts=True,
        unique_fields=["flow_id"],
        update_fields=FIELDS,
    )
