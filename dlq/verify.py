"""A replay is done when its effect was seen (promise 5): outcomes of everything in flight.

Receipts and deaths are read in bulk; only members that have neither are asked about on the
broker. How evidence is judged stands in dlq/outcomes.py.
"""

import logging
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from django.db.models import Max, Min, QuerySet

from brokers import redis_signs
from brokers.connect import connect
from brokers.contract import BrokerError, Delivered, Placement
from dlq import engine, settle
from dlq.among import among
from dlq.models import Death, Item
from dlq.outcomes import Evidence, judge
from dlq.refusals import Refused
from dlq.settle import Flying, Verdict, flying
from dlq.targets import replayer
from dlq.words import ItemState
from kit import clock
from kit.writes import writing
from tracing.queries import outcomes_of_attempts, receipts_of
from tracing.rows import AttemptOutcome

log = logging.getLogger(__name__)
SLICE = 500
ASK_AFTER = timedelta(seconds=1)  # a receipt is usually quicker than asking the broker
LATE = timedelta(days=1)  # how long after "no receipt" evidence is looked for


def verify(seconds: float = 1.0) -> int:
    """Look for the outcomes of what is in flight for about this long; how many were found."""
    until = time.monotonic() + seconds
    settled = 0
    for chunk in _slices(Item.objects.filter(state=ItemState.SENT), until):
        settled += _settle(chunk)
    since = clock.now() - LATE
    late = Item.objects.filter(state=ItemState.NO_RECEIPT, settled_at__gte=since)
    for chunk in _slices(late, until):
        settled += _write(_told(chunk))
    return settled


def _slices(items: "QuerySet[Item]", until: float) -> Iterator[list[Flying]]:
    """These items once round, from a random place on: what stands still keeps no time from the
    rest when there are more than there is time for.
    """
    ends = items.aggregate(first=Min("pk"), last=Max("pk"))
    if ends["first"] is None:
        return
    start = random.randint(ends["first"], ends["last"])  # noqa: S311  # nothing secret
    for low, high in ((start, ends["last"]), (ends["first"], start - 1)):
        after = low - 1
        while time.monotonic() < until:
            chunk = flying(items.filter(pk__gt=after, pk__lte=high).order_by("pk")[:SLICE])
            if not chunk:
                break
            yield chunk
            after = chunk[-1].pk


def _settle(chunk: Sequence[Flying]) -> int:
    """Outcomes by what was told, then by where the rest stands on the broker."""
    told = _told(chunk)
    settled = _write(told)
    known = {verdict.item.pk for verdict in told}
    ripe = clock.now() - ASK_AFTER
    silent = [i for i in chunk if i.pk not in known and i.sent_at and i.sent_at <= ripe]
    by: dict[str, list[Flying]] = defaultdict(list)
    for item in silent:
        by[item.broker].append(item)
    for broker in sorted(by):
        try:
            settled += _write(_inferred(broker, by[broker]))
        except (BrokerError, Refused) as error:
            log.warning("what was sent to %s is not verified now: %s", broker, error)
    return settled


def _told(items: Sequence[Flying]) -> list[Verdict]:
    """Outcomes that receipts or further deaths tell."""
    now = clock.now()
    receipts: dict[str, list[AttemptOutcome]] = defaultdict(list)
    for row in outcomes_of_attempts([item.attempt for item in items]):
        receipts[row.replay_attempt].append(row)
    died = _deaths(items)
    verdicts = []
    for item in items:
        consumer = item.consumer
        mine = [row for row in receipts.get(item.attempt, ()) if row.consumer == consumer]
        if mine or item.attempt in died:
            told = judge(
                Evidence(
                    now=now,
                    sent_at=item.sent_at or now,
                    wait=timedelta(seconds=item.wait_s),
                    receipts=mine,
                    died=died.get(item.attempt, ""),
                    consumer=consumer,
                )
            )
            if told:
                verdicts.append(Verdict(item, *told))
    return verdicts


def _deaths(items: Sequence[Flying]) -> dict[str, str]:
    """Attempts in which the letter died again: the error in words."""
    attempts = {item.attempt for item in items if item.attempt}
    found = among(Death.objects.all(), "letter_id", [item.letter_id for item in items])
    return {
        attempt: f"{kind}: {message}"[:300]
        for attempt, kind, message in found.exclude(replay_attempt="").values_list(
            "replay_attempt", "error_type", "error_message"
        )
        if attempt in attempts
    }


def _inferred(broker: str, items: Sequence[Flying]) -> list[Verdict]:
    """Outcomes by cursor and pending list; starts the clock of "no receipt" where it is due."""
    now = clock.now()
    placed = [item for item in items if item.sent_position]
    standing: dict[int, Delivered] = dict.fromkeys((i.pk for i in items), Delivered.UNKNOWN)
    places = [(Placement(i.sent_stream, i.sent_position), i.consumer) for i in placed]
    standing.update(zip((i.pk for i in placed), replayer(broker).delivered(places), strict=True))
    started = _start_clocks(items, standing, now)
    silent = _without_receipts(broker, items, standing)
    verdicts = []
    for item in items:
        told = judge(
            Evidence(
                now=now,
                sent_at=item.sent_at or now,
                wait=timedelta(seconds=item.wait_s),
                delivered=standing[item.pk],
                passed_at=now if item.pk in started else item.passed_at,
                gives_receipts=item.pk not in silent,
                consumer=item.consumer,
            )
        )
        if told:
            verdicts.append(Verdict(item, *told))
    return verdicts


def _start_clocks(
    items: Sequence[Flying], standing: Mapping[int, Delivered], now: datetime
) -> set[int]:
    """Members that the cursor has passed and that are acknowledged, seen so for the first time."""
    passed = {
        item.pk
        for item in items
        if item.passed_at is None and standing[item.pk] is Delivered.ACKNOWLEDGED
    }
    if passed:
        with writing():
            among(Item.objects.all(), "id", passed).update(passed_at=now)
    return passed


def _without_receipts(
    broker: str, items: Sequence[Flying], standing: Mapping[int, Delivered]
) -> set[int]:
    """Acknowledged members whose consumer has never been seen to give receipts."""
    known = set(redis_signs.read(connect(broker).wire).honours)
    silent = set()
    for item in items:
        if standing[item.pk] is not Delivered.ACKNOWLEDGED or item.consumer in known:
            continue
        if any(row.origin == "receipt" for row in receipts_of(bytes(item.identity), item.consumer)):
            known.add(item.consumer)
        else:
            silent.add(item.pk)
    return silent


def _write(verdicts: Sequence[Verdict]) -> int:
    """Write outcomes, let their markers go, and end batches that have all of theirs."""
    if not verdicts:
        return 0
    news = settle.apply(verdicts)
    _forget([verdict for verdict in news if verdict.state != ItemState.NO_RECEIPT])
    for replay_id in sorted({verdict.item.replay_id for verdict in news}):
        engine.finish(replay_id)
    return len(news)


def _forget(verdicts: Sequence[Verdict]) -> None:
    """Markers live until their attempt is settled; one left over by a broker away is harmless."""
    by: dict[str, list[tuple[str, str, Placement]]] = defaultdict(list)
    for item in (verdict.item for verdict in verdicts):
        place = Placement(item.sent_stream, item.sent_position)
        by[item.broker].append((item.attempt, item.consumer, place))
    for broker in sorted(by):
        try:
            replayer(broker).forget(by[broker])
        except (BrokerError, Refused) as error:
            log.warning("markers of settled attempts stay on %s: %s", broker, error)
