"""In words, for pages and commands: how the events of a broker are read."""

from datetime import datetime

from brokers.config import BrokerConfig
from kit.formats import clock_time, count, plural
from tracing.cursors import Summary
from tracing.models import Cursor


def way(broker: BrokerConfig) -> str:
    """How its events are read, as configured."""
    if broker.tap:
        return "in a consumer group, from the first entry on"
    return f'without a consumer group, start = "{broker.start}"'


def progress(found: Summary | None, now: datetime) -> str:
    """From when on a broker is read by cursors, and what was left out."""
    if found is None:
        return "nothing was read yet"
    if not found.cut:
        return f"{plural(found.streams, 'stream')} read from the first entry on"
    whole = found.streams - found.cut
    rest = f"; {plural(whole, 'other stream')} from the first entry on" if whole else ""
    return f"read since {_since(found.since, now)}, {_older(found.left_out, found.counted)}{rest}"


def of_stream(cursor: Cursor | None, now: datetime) -> str:
    """The same of one stream."""
    if cursor is None:
        return "not read yet"
    if cursor.left_out == 0:
        return "read from its first entry on"
    older = _older(cursor.left_out or 0, cursor.left_out is not None)
    return f"read since {_since(cursor.since, now)}, {older}"


def _since(moment: datetime | None, now: datetime) -> str:
    return clock_time(moment, now) if moment else "it was found"


def _older(number: int, counted: bool) -> str:
    if counted:
        words = plural(number, "older entry", "older entries")
        return f"{words} {'was' if number == 1 else 'were'} not taken in"
    words = f"{count(number, bounded=True)} older entries" if number else "older entries"
    return f"{words} were not taken in"
