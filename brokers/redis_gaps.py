"""What happened to a stream behind the back of a reader that keeps its own cursor. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from brokers.contract import StreamState
from brokers.redis_wire import START_OF_STREAM, order, position_before

ANEW = "was deleted and made anew; read from its start"


@dataclass(frozen=True, slots=True)
class Gap:
    """From where to read on, and what to tell."""

    position: str
    added: int | None  # entries ever added up to there, where the server counts
    lost: int | None  # trimmed or deleted before they were read; None: cannot be told
    words: str
    anew: bool = False  # it is another stream of the same name


def gap(
    position: str, added: int | None, state: StreamState, read: Sequence[str] = ()
) -> Gap | None:
    """What is odd about a stream that was read up to `position`; None: nothing.

    `added` counts the entries ever added up to there. `state` is as of a moment after the entries
    `read` were given, which follow the position. Redis 7 counts what was added, so the answer is
    exact; on 6.2 it may be that nothing was lost when the stream begins after the position.
    """
    counted = None if added is None or state.added is None else state.added - added
    if order(state.head) < order(position) or (counted is not None and counted < 0):
        trimmed = None if state.added is None else state.added - state.length
        return Gap(START_OF_STREAM, trimmed, 0, ANEW, anew=True)
    if order(state.head) == order(position):
        return None
    if state.first and order(state.first) <= order(position):
        return None
    gone = sum(1 for one in read if not state.first or order(one) < order(state.first))
    lost = None if counted is None else max(0, counted - state.length - gone)
    if lost == 0 or (lost is None and position == START_OF_STREAM):
        return None
    on = position_before(state.first) if state.first else state.head
    return Gap(on, None if lost is None or added is None else added + lost, lost, _words(lost))


def _words(lost: int | None) -> str:
    if lost is None:
        return "entries may have been trimmed before they were read"
    if lost == 1:
        return "1 entry was trimmed before it was read"
    return f"{lost:,} entries were trimmed before they were read"
