"""Promise 10: whatever the order, and however cut into batches, the rows are the same."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.contract import Entry
from tests.tracing.arriving import entry_of, event, receipt, rows, take

pytestmark = pytest.mark.django_db


WORLD = [
    event("placed", 1),
    event("paid", 2, stream="payments.0", ce_causationid="placed"),
    event("placed", 30, body={"order_id": 4711, "edited": True}),  # a resend, edited
    event("lonely", 4, **{"ce-correlationid": ""}),
    event("other", 5, body={"order_id": 4712}, ce_correlationid="flow-2"),
    event("bad", 6, ce_time="noon"),
    receipt("placed", 7, "retrying"),
    receipt("placed", 8),
    receipt("placed", 40),  # the same receipt, delivered again
    receipt("lonely", 9),
    receipt("never seen", 10),
    receipt("paid", 11, "exploded"),
    entry_of("plain.0", 12, {}, b'{"order_id": 4713}'),
]


@contextmanager
def _undone() -> Iterator[None]:
    mark = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(mark)


def _in_batches(entries: Sequence[Entry], cuts: Sequence[int]) -> dict[str, list[Any]]:
    with _undone():
        start = 0
        for cut in [*sorted(cuts), len(entries)]:
            take(*entries[start:cut])
            start = cut
        return rows()


@settings(max_examples=60, deadline=None)
@given(
    st.permutations(WORLD),
    st.lists(st.integers(0, len(WORLD)), max_size=4),
    st.lists(st.sampled_from(WORLD), max_size=4),
)
def test_the_order_of_arrival_does_not_matter(
    order: list[Entry], cuts: list[int], again: list[Entry]
) -> None:
    assert _in_batches([*order, *again], cuts) == _in_batches(WORLD, [])
