"""The newest events whose payload has what is asked for: a fixed number of them at any size.

SQLite's FTS5 walks its rows from the newest on. PostgreSQL's GIN gives all rows of a word at
once, so each row also has the number of its block among its words: the newest blocks are asked
first, and further back more of them together, as long as no block bears too much.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection

from tracing.aliases import leads_to
from tracing.models import Event, EventWords
from tracing.search.words import Question, fts5, tsquery

NEWEST = 500  # matching events a search looks at
WIDE = 5_000  # where other filters narrow it down
BLOCK = 4_096  # events of one block
BLOCKS_MOST = 64  # asked for at once
_FTS5 = (
    "SELECT rowid FROM tracing_eventwords_fts WHERE tracing_eventwords_fts MATCH %s"
    " AND rowid <= %s ORDER BY rowid DESC LIMIT %s"
)
_GIN = (
    "SELECT event_id FROM tracing_eventwords WHERE words @@ %s::tsquery AND event_id <= %s LIMIT %s"
)


@dataclass(frozen=True, slots=True)
class Matches:
    """Flow -> its newest event that matches; `more`: there are older ones than the `read`."""

    events: Mapping[str, int]
    more: bool = False
    read: int = 0


def newest(question: Question, most: int = NEWEST, last: int | None = None) -> Matches:
    """The flows of the newest `most` matching events, of those up to the number `last`."""
    if not question.wanted:
        return Matches({})
    newest_of_all = EventWords.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    last = newest_of_all if last is None else min(last, newest_of_all)
    ask = _on_sqlite if connection.vendor == "sqlite" else _on_postgresql
    found = ask(question, last, most + 1)
    rows = Event.objects.filter(pk__in=found[:most]).order_by("pk")
    events = {flow_id: number for number, flow_id in rows.values_list("pk", "flow_id")}
    lead = leads_to(events)
    by_flow: dict[str, int] = {}
    for name, number in events.items():
        flow_id = lead.get(name, name)
        by_flow[flow_id] = max(number, by_flow.get(flow_id, 0))
    return Matches(by_flow, more=len(found) > most, read=min(most, len(found)))


def mark_of(event_id: int) -> str:
    """The word that stands for an event's block: none that a text or a question can have."""
    return f"#{event_id // BLOCK}"


def _on_sqlite(question: Question, last: int, most: int) -> Sequence[int]:
    return _ids(_FTS5, fts5(question), last, most)


def _on_postgresql(question: Question, last: int, most: int) -> Sequence[int]:
    found: list[int] = []
    for ids in _windows(tsquery(question), last):
        found += sorted(ids, reverse=True)
        if len(found) >= most:
            break
    return found


def _windows(asked: str, last: int) -> Iterator[Sequence[int]]:
    """The matches of the newest block, then of older and of more of them at once."""
    block = last // BLOCK
    yield _of_blocks(asked, block, 1, last)
    rest = _ids(_GIN, f"({asked}) & !('#{block}')", last, BLOCK + 1)
    if len(rest) <= BLOCK:  # few enough to be all of them
        yield rest
        return
    size, block = 1, block - 1
    while block >= 0:
        ids = _of_blocks(asked, block, size, last)
        while len(ids) > BLOCK and size > 1:
            size //= 2
            ids = _of_blocks(asked, block, size, last)
        yield ids
        block -= size
        size = min(size * 2, BLOCKS_MOST)


def _of_blocks(asked: str, newest_block: int, number: int, last: int) -> Sequence[int]:
    blocks = range(max(0, newest_block - number + 1), newest_block + 1)
    marks = " | ".join(f"'#{block}'" for block in blocks)
    return _ids(_GIN, f"({asked}) & ({marks})", last, BLOCK + 1)


def _ids(sql: str, asked: str, last: int, limit: int) -> Sequence[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, [asked, last, limit])
        return [row[0] for row in cursor.fetchall()]
