"""Following consumers that send no receipts: what they passed was handled, what is pending runs.

Events are gone through by the number of their row, once for each consumer, so that the work is
proportional to what is new; what lies ahead of a consumer's cursor is waited for. Looking twice
changes nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from brokers.config import TAP_GROUP
from brokers.contract import Broker, PendingSpan, Role
from brokers.redis_wire import order
from kit import clock
from kit.limits import TRANSACTION_ROWS
from kit.writes import writing
from tracing import cursors
from tracing.models import Event, Passed, Watch
from tracing.passed import rows
from tracing.passed.parts import Mark, Part, Pending, Place, Return, part
from tracing.passed.rows import Guess

PAGE = 1_000  # events looked at together; more than one transaction of the tap, which has no order
PAGES = 10  # in one round
GUESSES = 5_000  # deliveries written in one round, about
SPARE = 4  # pending entries asked for, a page of events: not each of them is an event
SPANS_A_TRIP = 100
SETTLED_AFTER = timedelta(seconds=5)  # a receipt may be on its way, a writer not yet done
SENDS_FOR = timedelta(hours=1)  # who sent a receipt is not inferred for so long
RECENT = 200  # events last inferred that are looked at again for a receipt come late
Key = tuple[str, str]  # stream, consumer


class Follower:
    """The consumers of one broker. For one thread, and one process at a time."""

    def __init__(self, broker: Broker, process: str) -> None:
        self._broker = broker
        self._process = process
        self._senders: dict[str, datetime] = {}  # until when they are known to send receipts
        self._marks: dict[Key, Mark] = {}
        self._front = -1  # as it was stored last
        self._open_after = 0
        self._recent: list[bytes] = []
        self.more = False  # whether the last round left something to be done

    def round(self, settled_after: timedelta = SETTLED_AFTER) -> int:
        """Look at all consumers once; how many deliveries were written. Raises BrokerError."""
        name = self._broker.name
        watch = cursors.hold(name, self._process, self._broker.start)
        self.more = False
        if watch is None:
            self._marks = {}
            return 0
        try:
            at = self._cursors()
            front = cursors.newest_event()
            self._load(watch, at)
            written = self._look_at_pending()
            written += self._look_at_new(at, front, clock.now() - settled_after)
            written += self._look_back(at)
            self._save(front)
        except BaseException:
            self._marks = {}  # they may be ahead of what is stored
            raise
        return written

    def _cursors(self) -> dict[Key, str]:
        streams = [one.name for one in self._broker.streams() if one.role is Role.TOPIC]
        return {
            (one.stream, one.consumer): one.position
            for one in self._broker.cursors(streams)
            if one.consumer != TAP_GROUP
        }

    def _load(self, watch: Watch, at: Mapping[Key, str]) -> None:
        """A consumer that was not there at the last look is followed from then on."""
        if not self._marks:
            self._marks = {
                (row.stream, row.consumer): Mark(
                    row.event_id, row.seen_to, row.waits_at, written=row.seen_to
                )
                for row in Passed.objects.filter(broker=watch.broker)
            }
        for key in at:
            self._marks.setdefault(key, Mark(watch.looked_to, watch.looked_to))

    def _look_at_pending(self) -> int:
        """At deliveries that were pending: acknowledged, or delivered once more?"""
        still_open = rows.still_open(self._broker.name, self._open_after)
        full = len(still_open) == rows.OPEN_AT_ONCE
        self._open_after = still_open[-1].id if full else 0
        by: dict[Key, list[rows.Open]] = defaultdict(list)
        for row in still_open:
            by[row.stream, row.consumer].append(row)
        pending = self._pending({key: [row.position for row in by[key]] for key in by})
        handled, again = [], []
        for key, found in pending.items():
            for row in by[key]:
                entry = found.of(row.position)
                if entry is None and found.tells(row.position):
                    handled.append(row)
                elif entry is not None and entry.tries > row.tries:
                    again.append((row, entry.tries))
        if handled or again:
            rows.settle(handled, again)
        return len(handled) + len(again)

    def _look_at_new(self, at: Mapping[Key, str], front: int, until: datetime) -> int:
        """Look once at every event that came since the last look."""
        ways = {}
        for key, cursor in at.items():
            mark = self._marks[key]
            if self._sends(key[1]) or (mark.waits_at and order(cursor) < order(mark.waits_at)):
                mark.skip_to(front)  # or it was set back: what is read again was looked at
            elif mark.seen_to < front:
                ways[key] = Return(mark.seen_to)

        def see(key: Key, found: Part, end: int) -> bool:
            self._marks[key].see(end, found.ahead, at[key])
            return end >= front

        return self._walk(ways, at, until, see)

    def _look_back(self, at: Mapping[Key, str]) -> int:
        """Look again at what was ahead of those that have moved since."""
        ways = {}
        for key, cursor in at.items():
            mark = self._marks[key]
            if mark.waits_at not in ("", cursor):
                ways[key] = Return(mark.event_id)

        def go(key: Key, found: Part, end: int) -> bool:
            mark, way = self._marks[key], ways[key]
            ended = way.go(found, min(end, mark.seen_to), mark.seen_to)
            ahead = way.ahead is not None
            if ended or not ahead:
                # not ended: what comes next is still to be looked at again
                waits_at = at[key] if ahead else "" if ended else mark.waits_at
                mark.settle(way.ahead - 1 if way.ahead is not None else way.at, waits_at)
            return ended

        return self._walk(ways, at, None, go)

    def _walk(
        self,
        ways: dict[Key, Return],
        at: Mapping[Key, str],
        until: datetime | None,
        step: Callable[[Key, Part, int], bool],
    ) -> int:
        """Through the events, a page at a time for all whose way leads through it."""
        written, left = 0, dict(ways)
        for _ in range(PAGES):
            if not left or written >= GUESSES:
                break
            begin = min(way.at for way in left.values())
            page, end = _page(self._broker.name, begin, until)
            if end == begin:
                return written
            taking = {key: way.at for key, way in left.items() if way.at < end}
            parts = self._parts(page, taking, at)
            written += self._tell(parts)
            for key, found in parts.items():
                left[key].at = end
                if step(key, found, end):
                    del left[key]
        self.more = self.more or bool(left)
        return written

    def _parts(
        self, page: Iterable[Place], after: Mapping[Key, int], at: Mapping[Key, str]
    ) -> dict[Key, Part]:
        by: dict[str, list[Place]] = defaultdict(list)
        for place in page:
            by[place.stream].append(place)
        return {
            key: part(
                [place for place in by.get(key[0], ()) if place.id > row],
                *(key[1], at[key], self._marks[key].beyond),
            )
            for key, row in after.items()
        }

    def _tell(self, parts: Mapping[Key, Part]) -> int:
        """Write what is believed of these."""
        self._find_senders(place.identity for one in parts.values() for place in one.fresh)
        left = {key: one.fresh for key, one in parts.items() if not self._sends(key[1])}
        guesses: list[Guess] = []
        while left := {key: places for key, places in left.items() if places}:
            pending = self._pending({key: [p.position for p in left[key]] for key in left})
            for key in list(left):
                known, left[key] = _told(left[key], pending.get(key))
                guesses += _guesses(key, known, pending.get(key))
                self._marks[key].told(place.id for place in known)
        rows.put(self._broker.name, guesses)
        self._recent = [guess.identity for guess in guesses[-RECENT:]] or self._recent
        return len(guesses)

    def _find_senders(self, identities: Iterable[bytes]) -> None:
        named = list(identities)
        for consumer in rows.senders([*named, *self._recent]) if named else ():
            self._senders[consumer] = clock.now() + SENDS_FOR

    def _sends(self, consumer: str) -> bool:
        until = self._senders.get(consumer)
        return until is not None and until > clock.now()

    def _pending(self, positions: Mapping[Key, Sequence[str]]) -> dict[Key, Pending]:
        """What is pending of these; without those streams and consumers that are gone."""
        spans = [
            PendingSpan(*key, min(some, key=order), max(some, key=order))
            for key, some in positions.items()
        ]
        count = PAGE * SPARE
        found: dict[Key, Pending] = {}
        for start in range(0, len(spans), SPANS_A_TRIP):
            trip = spans[start : start + SPANS_A_TRIP]
            for span, entries in zip(trip, self._broker.pending(trip, count), strict=True):
                if entries is not None:
                    found[span.stream, span.consumer] = Pending(entries, len(entries) == count)
        return found

    def _save(self, front: int) -> None:
        broker = self._broker.name
        moved = [
            Passed(
                broker=broker,
                stream=stream,
                consumer=consumer,
                event_id=mark.event_id,
                seen_to=mark.seen_to,
                waits_at=mark.waits_at,
            )
            for (stream, consumer), mark in sorted(self._marks.items())
            if mark.to_write and not self._sends(consumer)
        ]
        if not moved and front == self._front:
            return
        self._front = front
        for start in range(0, max(1, len(moved)), TRANSACTION_ROWS):
            with writing():
                Passed.objects.bulk_create(
                    moved[start : start + TRANSACTION_ROWS],
                    update_conflicts=True,
                    unique_fields=["broker", "stream", "consumer"],
                    update_fields=["event_id", "seen_to", "waits_at"],
                )
                Watch.objects.filter(broker=broker).update(looked_to=front)
        for mark in self._marks.values():
            mark.written = mark.seen_to if mark.to_write else mark.written
            mark.changed = False


def _page(broker: str, after: int, until: datetime | None) -> tuple[list[Place], int]:
    """The events of a broker among the next rows, and the number of the last row."""
    fields = ("id", "identity", "stream", "position", "flow_id", "published_at", "replay_target")
    found = Event.objects.filter(id__gt=after).order_by("id")
    page, end = [], after
    for where, received_at, *row in found.values_list("broker", "received_at", *fields)[:PAGE]:
        if until is not None and received_at > until:
            break
        end = row[0]
        if where == broker:
            page.append(Place(row[0], bytes(row[1]), *row[2:]))
    return page, end


def _told(places: Sequence[Place], found: Pending | None) -> tuple[list[Place], list[Place]]:
    """Those of which is known whether they are pending, and the others: too many are before them.

    Of a consumer that is gone nothing is known, and nothing is asked again.
    """
    if found is None:
        return [], []
    known = [one for one in places if found.tells(one.position)]
    return known, [one for one in places if not found.tells(one.position)]


def _guesses(key: Key, places: Iterable[Place], pending: Pending | None) -> Iterator[Guess]:
    stream, consumer = key
    now = clock.now()
    for place in places:
        entry = pending.of(place.position) if pending else None
        guess = Guess(
            place.identity,
            *(place.flow_id, consumer, stream, place.position),
            *("handled", 1, place.at),
        )
        if entry is not None:
            since = now - timedelta(seconds=entry.idle_s)
            guess = guess._replace(
                outcome="started", tries=entry.tries, started_at=since, process=entry.process
            )
        yield guess
