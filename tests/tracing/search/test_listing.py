"""The list of flows: every filter alone and together, by whichever index leads."""

import json
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kit import limits, pages
from tests.tracing.making import at, event, receipt
from tests.tracing.seeding import seed
from tracing import listing, summariser
from tracing.filters import FlowFilter
from tracing.listing import listed
from tracing.models import Flow, FlowConsumer, FlowError, FlowType
from tracing.search import index

pytestmark = pytest.mark.django_db


def order(number: int, *, dies: bool = False, type_: str = "OrderPlaced") -> None:
    """An order that payment handles; where it dies, with an error of its own."""
    name = f"e{number}"
    outcome = "dead_lettered" if dies else "succeeded"
    error: dict[str, Any] = {}
    if dies:
        error = {"error_type": "shop.KeyError", "error_message": f"currency of anna{number}@x.org"}
    row = event(name, type_, number, flow_id=f"flow-{number}")
    body = json.dumps({"order": number, "kind": "odd" if number % 2 else "even"}).encode()
    told = receipt(name, "payment", outcome, number, **(error | {"flow_id": f"flow-{number}"}))
    seed([row], [told], keys=(f"order:{number}", "shop:1"), body=body, size=len(body))


@pytest.fixture
def orders() -> None:
    """Twelve orders: 3, 6 and 9 died; 8 and on are cancellations."""
    for number in range(12):
        order(number, dies=number in (3, 6, 9), type_="Cancelled" if number >= 8 else "OrderPlaced")
    summariser.summarise_all()
    index.index_batch()


def numbers(chosen: FlowFilter, **more: Any) -> list[int]:
    """All pages of it, three a page."""
    found: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        page = listed(chosen, cursor, 3, **more).page
        found += [int(flow.flow_id.removeprefix("flow-")) for flow in page.items]
        cursor = page.next
    return found


CASES = [
    (FlowFilter(), list(range(11, -1, -1))),
    (FlowFilter(type="Cancelled"), [11, 10, 9, 8]),
    (FlowFilter(consumer="payment"), list(range(11, -1, -1))),
    (FlowFilter(consumer="nobody"), []),
    (FlowFilter(error="shop.KeyError"), [9, 6, 3]),
    (FlowFilter(error="keyerror curr*"), [9, 6, 3]),
    (FlowFilter(error="keyerror -currency"), []),
    (FlowFilter(error="anna3"), []),
    (FlowFilter(status="failed"), [9, 6, 3]),
    (FlowFilter(status="failed", type="OrderPlaced", consumer="payment"), [6, 3]),
    (FlowFilter(error="keyerror", type="Cancelled"), [9]),
    (FlowFilter(text="odd"), [11, 9, 7, 5, 3, 1]),
    (FlowFilter(text="odd", status="failed"), [9, 3]),
    (FlowFilter(text="odd", error="currency", until=at(9)), [3]),
    (FlowFilter(key="order:4"), [4]),
    (FlowFilter(key="shop:1", type="Cancelled"), [11, 10, 9, 8]),
    (FlowFilter(q="flow-1"), [11, 10, 1]),
    (FlowFilter(since=at(4), until=at(7)), [6, 5, 4]),
    (FlowFilter(since=at(4), until=at(10), consumer="payment", error="currency"), [9, 6]),
]


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("few", [0, 1_000])
@pytest.mark.parametrize(("chosen", "expected"), CASES)
def test_every_filter_whether_few_or_many_are_named(
    monkeypatch: pytest.MonkeyPatch, chosen: FlowFilter, expected: list[int], few: int
) -> None:
    monkeypatch.setattr(listing, "FEW", few)
    monkeypatch.setattr(listing, "FEW_LED", few)
    assert numbers(chosen) == expected
    assert numbers(chosen, oldest=True) == expected[::-1]
    assert listed(chosen).page.count == len(expected)


@pytest.mark.usefixtures("orders")
def test_a_walk_ends_and_goes_on_and_its_count_is_an_estimate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listing, "FEW", 0)
    monkeypatch.setattr(listing, "FEW_LED", 0)
    monkeypatch.setattr(pages, "WALK", 4)
    chosen = FlowFilter(consumer="payment", error="keyerror", type="OrderPlaced")
    by_type = FlowFilter(type="OrderPlaced", key="order:0")
    assert numbers(chosen) == [6, 3]
    assert numbers(by_type) == [0]
    first = listed(by_type).page
    assert (first.items, first.walked_out, first.count, first.estimated) == ([], True, 0, True)


@pytest.mark.usefixtures("orders")
def test_a_flow_that_starts_earlier_than_was_known_moves_in_every_list() -> None:
    early = event("early", "OrderPlaced", -5, flow_id="flow-9")
    seed([early], [])
    Flow.objects.filter(flow_id="flow-9").update(dirty_since=at(0))
    summariser.summarise_all()
    for chosen in (FlowFilter(type="Cancelled"), FlowFilter(error="currency"), FlowFilter()):
        assert numbers(chosen)[-1] == 9
    for kind in (FlowType, FlowConsumer, FlowError):
        assert set(kind.objects.filter(flow_id="flow-9").values_list("started_at")) == {(at(-5),)}


@pytest.mark.usefixtures("orders")
def test_other_filters_reach_further_back_than_words_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listing, "NEWEST", 2)
    monkeypatch.setattr(listing, "WIDE", 5)
    monkeypatch.setattr(listing, "BLOCK", 0)
    found = listed(FlowFilter(text="odd"))
    assert ([flow.flow_id for flow in found.page.items], found.matches and found.matches.more) == (
        ["flow-11", "flow-9"],
        True,
    )
    assert numbers(FlowFilter(text="odd", status="failed")) == [9, 3]
    monkeypatch.setattr(listing, "WIDE", 2)
    assert numbers(FlowFilter(text="odd", until=at(6))) == [5, 3]
    assert numbers(FlowFilter(text="odd", until=at(0))) == []


@pytest.mark.usefixtures("orders")
def test_a_list_asks_a_fixed_number_of_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = FlowFilter(type="OrderPlaced", consumer="payment", error="currency", text="odd")
    for one in (chosen, replace(chosen, text=""), FlowFilter()):
        with CaptureQueriesContext(connection) as few:
            listed(one, limit=1)
        with CaptureQueriesContext(connection) as many:
            listed(one, limit=limits.PAGE_MAX)
        assert len(few) == len(many) <= 10


@pytest.mark.parametrize(
    "chosen", [FlowFilter(text="-x"), FlowFilter(error='"'), FlowFilter(text="a*")]
)
def test_what_cannot_be_asked_finds_nothing_and_says_why(chosen: FlowFilter) -> None:
    assert listed(chosen).page.items == []
    assert all(chosen.problems.values())
    assert chosen.problems


@pytest.mark.parametrize(
    ("chosen", "index"),
    [
        (FlowFilter(), "flow_list"),
        (FlowFilter(status="failed"), "flow_status"),
        (FlowFilter(type="OrderPlaced"), "flowtype_list"),
        (FlowFilter(consumer="payment"), "flowconsumer_list"),
        (FlowFilter(error="currency"), "flowerror_list"),
    ],
)
@pytest.mark.usefixtures("orders")
def test_a_page_is_read_from_its_index_without_sorting(
    monkeypatch: pytest.MonkeyPatch, chosen: FlowFilter, index: str
) -> None:
    monkeypatch.setattr(listing, "FEW_LED", 0)
    with CaptureQueriesContext(connection) as asked:
        listed(chosen)
    (page,) = [one["sql"] for one in asked if "LIMIT 51" in one["sql"]]
    assert index in plan(page)
    assert "SORT" not in plan(page).upper().replace("TEMP B-TREE FOR ORDER BY", "SORT")


@pytest.mark.usefixtures("orders")
def test_a_beginning_is_found_by_its_index() -> None:
    with CaptureQueriesContext(connection) as asked:
        listed(FlowFilter(error="curr*"))
    (words,) = [one["sql"] for one in asked if "LIMIT 1001" in one["sql"]]
    assert "flowerror_list" in plan(words)


def plan(sql: str) -> str:
    """How the database goes about it; of a table this small, when it may not read all of it."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
        word = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
        cursor.execute(f"{word} {sql}")
        return "\n".join(str(row[-1]) for row in cursor.fetchall())
