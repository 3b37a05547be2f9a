"""Reading a broker from cursors kept beside the rows: nothing is written to it (promise 12)."""

import time
from collections import Counter, defaultdict
from collections.abc import Container, Sequence

from brokers.contract import Beginning, Broker, Entry, StreamState
from brokers.redis_gaps import Gap, gap
from console import tap_reading
from console.tap_reading import Part, batches
from kit import clock
from tracing import cursors
from tracing.cursors import Move, Place

BEGIN = 20  # streams whose beginning is looked for before what is there is read
CHECK_EVERY_S = 30.0  # all streams: were they trimmed, or made anew?


class ByCursor:
    """One broker, read by one process at a time."""

    def __init__(self, broker: Broker, process: str) -> None:
        self._broker = broker
        self._process = process
        self._loaded = False
        self._known_since = clock.now()
        self._hold_again = 0.0
        self.forget()

    def ready(self) -> bool:
        """Whether this process holds the broker; and from where it reads on."""
        if time.monotonic() >= self._hold_again:
            watch = cursors.hold(self._broker.name, self._process, self._broker.start)
            if watch is None:
                return False
            if watch.start != self._broker.start:
                self.forget()
            self._known_since = watch.began_at
            self._hold_again = time.monotonic() + cursors.HELD_FOR.total_seconds() / 4
        if not self._loaded:
            self._places.update(cursors.places(self._broker.name))
            self._stored.update((name, place.position) for name, place in self._places.items())
            self._loaded = True
        return True

    def read(self, block_ms: int, *, ahead: bool) -> list[Part]:
        """The entries after the cursors. Raises BrokerError."""
        names = [stream.name for stream in self._broker.streams()]
        self._look_around(names)
        self._begin(names)
        after = {name: self._places[name].position for name in names if name in self._places}
        waits = not (ahead or self._begun or self._gaps)
        entries = self._broker.read_after(after, tap_reading.READ, block_ms if waits else 0)
        return self._parts(self._checked(entries))

    def acknowledge(self, entries: Sequence[Entry]) -> None:
        """Nothing to do: the cursors moved in the transaction that stored the entries."""

    def forget(self) -> None:
        """Go on from where the stored cursors are."""
        self._loaded = False
        self._places: dict[str, Place] = {}  # what was given out: ahead of what is stored
        self._stored: dict[str, str] = {}  # positions, once all that was given out is stored
        self._begun: dict[str, Beginning] = {}  # to be stored with the next move, like the gaps
        self._gaps: dict[str, Gap] = {}
        self._present: set[str] = set()  # streams that were there at the last read
        self._gone: set[str] = set()  # found, but not there any more when they were to begin
        self._next_check = 0.0

    def close(self) -> None:
        """Let another process read at once."""
        cursors.release(self._broker.name, self._process)

    def _begin(self, names: Sequence[str]) -> None:
        """Find where some new streams begin."""
        new = [name for name in names if name not in self._places and name not in self._gone]
        for found in self._broker.begin(new[:BEGIN], self._known_since):
            self._places[found.stream] = Place(found.position, found.added)
            self._begun[found.stream] = found
        self._gone.update(name for name in new[:BEGIN] if name not in self._places)

    def _look_around(self, names: Sequence[str]) -> None:
        """Look whether streams were made anew or trimmed: those that (re)appeared, else all
        every CHECK_EVERY_S."""
        if time.monotonic() >= self._next_check:
            self._next_check = time.monotonic() + CHECK_EVERY_S
            self._present.clear()
            self._gone.clear()
        appeared = [name for name in names if name not in self._present and name in self._stored]
        self._present = set(names)
        for state in self._broker.states(appeared):
            self._compare(state, ())

    def _checked(self, entries: list[Entry]) -> list[Entry]:
        """These entries, after a look at what was trimmed before them."""
        positions: dict[str, list[str]] = defaultdict(list)
        for entry in entries:
            positions[entry.stream].append(entry.position)
        states = self._broker.states(sorted(positions))
        anew = {one.name for one in states if self._compare(one, positions[one.name])}
        return [entry for entry in entries if entry.stream not in anew]

    def _compare(self, state: StreamState, read: Sequence[str]) -> bool:
        """Notice what happened to a stream; whether it is to be read from its start again."""
        place = self._places[state.name]
        found = gap(place.position, place.added, state, read)
        if found:
            self._places[state.name] = Place(found.position, found.added)
            self._gaps[state.name] = found
        elif place.added is None and state.added and [place.position, *read][-1] == state.head:
            self._places[state.name] = Place(place.position, state.added - len(read))
        return found is not None and found.anew

    def _parts(self, entries: Sequence[Entry]) -> list[Part]:
        """The entries in parts, each with the moves of its cursors."""
        parts: list[Part] = []
        for some in batches(entries):
            counts = Counter(entry.stream for entry in some)
            last = {entry.stream: entry.position for entry in some}
            moves = self._moves_without(last) if not parts else []
            for stream, count in counts.items():
                added = self._places[stream].added
                to = Place(last[stream], None if added is None else added + count)
                moves.append(self._move(stream, to))
            parts.append(Part(some, moves))
        return parts or [Part((), moves) for moves in [self._moves_without({})] if moves]

    def _moves_without(self, streams: Container[str]) -> list[Move]:
        """What is to be stored of streams of which nothing was read now."""
        names = sorted(name for name in {**self._begun, **self._gaps} if name not in streams)
        return [self._move(name, self._places[name]) for name in names]

    def _move(self, stream: str, to: Place) -> Move:
        found = self._gaps.pop(stream, None)
        before = self._stored.get(stream, "")
        self._places[stream] = to
        self._stored[stream] = to.position
        return Move(
            stream=stream,
            before=before,
            position=to.position,
            added=to.added,
            beginning=self._begun.pop(stream, None),
            lost=(found.lost or 0) if found else 0,
            noticed=found.words if found else "",
        )
