"""One round of sampling: one pass over a broker, one verdict a consumer, rows in bulk.

The only writer of lag's tables. When a broker does not answer, its rows stay as they were and
the snapshot says since when.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from brokers.contract import Broker, BrokerError, ConsumerLag, Role, StreamState, Survey
from kit import clock
from kit.writes import writing
from lag import store, trail
from lag.evaluate import Before, Facts, Judgement, gone, judge
from lag.models import Depth, Position, Sample, Snapshot, Standing, Stream
from lag.totals import Key, Total, position_row, stream_row, total
from lag.trend import Point

WINDOW = timedelta(seconds=75)
LEAST_BETWEEN = timedelta(seconds=2)  # two samplers at once: the second leaves it
CLOCK_SET_BACK = timedelta(minutes=1)


def sample(broker: Broker) -> bool:
    """Look at one broker and write what is seen; False when another sampler just did.

    A broker that does not answer is written down, not raised.
    """
    at = clock.now()
    if not _claim(broker.name, at):
        return False
    began = time.monotonic()
    rows = {row.stream: row for row in Stream.objects.filter(broker=broker.name)}
    try:
        survey = broker.survey({name: _state(row) for name, row in rows.items()})
    except BrokerError as error:
        _failed(broker.name, at, str(error))
        return True
    _Round(broker.name, at, survey, rows).write()
    took_ms = (time.monotonic() - began) * 1000
    with writing():
        Snapshot.objects.filter(broker=broker.name).update(
            sampled_at=at, took_ms=took_ms, error="", failing_since=None, note=survey.note
        )
    return True


def _claim(broker: str, at: datetime) -> bool:
    with writing():
        _, made = Snapshot.objects.get_or_create(broker=broker, defaults={"at": at})
        # a time far ahead: the clock was set back since
        due = Q(at__lte=at - LEAST_BETWEEN) | Q(at__gt=at + CLOCK_SET_BACK)
        return made or Snapshot.objects.filter(due, broker=broker).update(at=at) == 1


def _failed(broker: str, at: datetime, error: str) -> None:
    with writing():
        row = Snapshot.objects.get(broker=broker)
        row.error, row.failing_since = error[:300], row.failing_since or at
        row.save(update_fields=["error", "failing_since"])


def _state(row: Stream) -> StreamState:
    return StreamState(
        name=row.stream,
        topic=row.topic,
        role=Role(row.role),
        length=row.length,
        first=row.first,
        head=row.head,
        added=row.added,
    )


@dataclass
class _Round:
    """What one survey becomes."""

    broker: str
    at: datetime
    survey: Survey
    streams_before: Mapping[str, Stream]

    def write(self) -> None:
        """All rows of this round, in transactions of a bounded size."""
        streams = {state.name: self._stream(state) for state in self.survey.streams}
        positions, totals = self._positions(streams)
        standings = {
            (row.topic, row.consumer): row for row in Standing.objects.filter(broker=self.broker)
        }
        windows = self._windows()
        samples = [self._sample(each, windows[each.topic, each.consumer]) for each in totals]
        judged = [
            self._standing(each, standings.get((each.topic, each.consumer)), windows)
            for each in totals
        ]
        present = {(each.topic, each.consumer) for each in totals}
        left = [row for key, row in standings.items() if key not in present]
        store.overwrite(Stream, streams.values())
        store.overwrite(Position, positions)
        store.overwrite(Depth, self._depths())
        store.overwrite(Standing, [*judged, *map(self._gone, left)])
        store.append(Sample, samples)
        store.prune(self.broker, self.at)

    def _stream(self, state: StreamState) -> Stream:
        before = self.streams_before.get(state.name)
        return stream_row(self.broker, state, before, self.at, state.first_at)

    def _positions(self, streams: Mapping[str, Stream]) -> tuple[list[Position], list[Total]]:
        before = {
            (row.stream, row.consumer): row for row in Position.objects.filter(broker=self.broker)
        }
        arrived = {state.name: state.arrived for state in self.survey.streams}
        lines: dict[Key, list[tuple[ConsumerLag, Position, Position | None]]] = defaultdict(list)
        for line in self.survey.lag:
            old = before.get((line.stream, line.consumer))
            row = position_row(self.broker, line, old, arrived.get(line.stream), self.at)
            lines[line.topic, line.consumer].append((line, row, old))
        rows = [row for group in lines.values() for _, row, _ in group]
        return rows, [total(group, streams) for group in lines.values()]

    def _windows(self) -> dict[Key, list[Point]]:
        """The samples of the last minute of every consumer, oldest first, in one query."""
        found: dict[Key, list[Point]] = defaultdict(list)
        recent = Sample.objects.filter(broker=self.broker, at__gte=self.at - WINDOW)
        fields = ("topic", "consumer", "at", "oldest_s", "arrived", "handled")
        for topic, consumer, *rest in recent.order_by("at").values_list(*fields):
            found[topic, consumer].append(Point(*rest))
        return found

    def _sample(self, each: Total, window: list[Point]) -> Sample:
        minute = not window or window[-1].at.minute != self.at.minute
        window.append(Point(self.at, each.oldest_s, each.arrived, each.handled))
        return Sample(
            broker=self.broker,
            topic=each.topic,
            consumer=each.consumer,
            at=self.at,
            minute=minute,
            messages=each.messages,
            oldest_s=each.oldest_s,
            pending=each.pending,
            arrived=each.arrived,
            handled=each.handled,
        )

    def _standing(
        self, each: Total, old: Standing | None, windows: Mapping[Key, Sequence[Point]]
    ) -> Standing:
        moved_at = self.at if each.moved or old is None else old.moved_at
        before = Before(old.verdict, old.since) if old else None
        facts = _facts(each, (self.at - moved_at).total_seconds())
        judgement = judge(windows[each.topic, each.consumer], facts, before)
        row = Standing(
            broker=self.broker,
            topic=each.topic,
            consumer=each.consumer,
            messages=each.messages,
            method=each.method.value,
            oldest_s=each.oldest_s,
            pending=each.pending,
            oldest_pending_s=each.oldest_pending_s,
            processes=None if each.members is None else len(each.members),
            members=[
                {"name": m.name, "idle_s": round(m.idle_s, 1), "pending": m.pending}
                for m in each.members or ()
            ],
            streams=each.streams,
            lost=each.lost,
            payload_lost=each.payload_lost,
            in_per_min=judgement.in_per_min,
            out_per_min=judgement.out_per_min,
            drain_s=judgement.drain_s,
            moved_at=moved_at,
            trail=trail.extend(old.trail if old else {}, self.at, each.oldest_s),
            sampled_at=self.at,
        )
        return _judged(row, judgement)

    def _gone(self, row: Standing) -> Standing:
        """A consumer that is no longer there keeps its last numbers and their time."""
        return _judged(row, gone(row.topic, Before(row.verdict, row.since), self.at))

    def _depths(self) -> Iterable[Depth]:
        for depth in self.survey.depths:
            yield Depth(
                broker=self.broker,
                stream=depth.stream,
                consumer=depth.consumer,
                sampled_at=self.at,
                messages=depth.messages,
                oldest_at=depth.oldest_at,
            )


def _judged(row: Standing, judgement: Judgement) -> Standing:
    row.verdict = judgement.verdict.value
    row.reason = judgement.reason[:300]
    row.rule = judgement.rule[:300]
    row.since = judgement.since
    return row


def _facts(each: Total, still_s: float) -> Facts:
    members = each.members
    return Facts(
        messages=each.messages,
        pending=each.pending,
        oldest_s=each.oldest_s,
        idle_s=None if members is None else tuple(member.idle_s for member in members),
        still_s=still_s,
        set_back_to=each.set_back_to,
        why_unknown=each.reason,
    )
