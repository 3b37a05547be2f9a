"""Every kind of anomaly: what makes it, what does not, and the sentence that a person reads."""

import re
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.tracing.making import appearance, at, event, ident, receipt, shop
from tests.tracing.nasty import TERMINAL, nasty
from tracing.cascade import MEANINGS, Cascade, Evidence, Kind, build
from tracing.cascade.model import delivery_node_id, event_node_id
from tracing.rows import AppearanceRow, EventRow, ReceiptRow

LANE = {"partition_key": "order-1", "topic": "orders"}
ONE = [event("e", "E", 0)]
TWIN = replace(event("x", "A", 0), event_id="a", source="/other")
CHAIN = [event("a", "A", 0), event("b", "B", 1, "a")]
SUCCEEDED = receipt("e", "c", "succeeded", 1)
BY_SPAN = receipt("e", "c", "succeeded", 2, origin="link")
DEAD = receipt("e", "c", "dead_lettered", 2, attempt=5, error_type="KeyError")
LETTER = receipt("e", "c", "dead_lettered", 2.2, origin="letter", letter_id=7)
REPLAYED = receipt("e", "c", "replayed", 60, origin="letter", letter_id=7, replay_attempt="r1")
AGAIN = receipt("e", "c", "succeeded", 61, replay_attempt="r1")
DISCARDED = receipt("e", "c", "discarded", 90, origin="letter", letter_id=7)
Rows = list[EventRow]
E = event_node_id(ident("e"))
EC = delivery_node_id(ident("e"), "c")


def numbered(*sequences: str, **more: Any) -> Rows:
    """Events of one source with these numbers, published in this order."""
    rows = [
        event(f"n{n}", f"N{text}", n, sequence=text, **more) for n, text in enumerate(sequences)
    ]
    return [row if n == 0 else replace(row, causes=("n0",)) for n, row in enumerate(rows)]


def copy(outcome: str, seconds: float, number: int, process: str, **more: Any) -> ReceiptRow:
    """An attempt at the copy of `e` at one position."""
    place = {"stream": "orders.0", "position": "1-0", "process": process} | more
    return receipt("e", "c", outcome, seconds, attempt=number, **place)


def said(
    events: Rows, receipts: list[ReceiptRow], places: list[AppearanceRow], **more: Any
) -> list[tuple[str, str, str]]:
    """Kind, node and sentence of each anomaly."""
    found: Cascade = build("f", events, receipts, places, **more)
    return [(one.kind.value, one.node, one.detail) for one in found.anomalies]


TABLE: list[tuple[str, Rows, list[ReceiptRow], list[AppearanceRow], dict[str, Any], str, str]] = [
    # kind, events, receipts, appearances, more, node, sentence
    (
        "dead_lettered", ONE, [DEAD], [], {}, EC,
        "c gave E up after 5\xa0attempts, KeyError",
    ),
    (
        "dead_lettered", ONE, [LETTER], [], {}, EC,
        "c gave E up",
    ),
    (
        "dead_lettered", ONE, [DEAD, LETTER, DISCARDED], [], {}, EC,
        "c gave E up after 5\xa0attempts, KeyError; discarded since",
    ),
    (
        "handled_twice", ONE, [SUCCEEDED, receipt("e", "c", "succeeded", 5, attempt=2)], [], {}, EC,
        "c succeeded twice on E",
    ),
    (
        "differing_body", ONE, [], [appearance("e", "1-0"), appearance("e", "2-0", b"x")], {}, E,
        "E was seen with 2 different bodies",
    ),
    (
        "sequence_gap", numbered("7", "8", "11"), [], [], {}, event_node_id(ident("n2")),
        "between N8 (8) and N11 (11) was not seen: 9, 10",
    ),
    (
        "sequence_gap", numbered("0008", "0010"), [], [], {}, event_node_id(ident("n1")),
        "between N0008 (0008) and N0010 (0010) was not seen: 0009",
    ),
    (
        "sequence_gap", numbered("1", "9"), [], [],
        {"elsewhere": [("/shop/orders", "2"), ("/else", "3")]}, event_node_id(ident("n1")),
        "between N1 (1) and N9 (9) was not seen: 3, 4, 5, 6, 7, …",
    ),
    (
        "out_of_order", numbered("1", "3", "2", **LANE), [], [], {}, event_node_id(ident("n2")),
        "N2 (sequence 2) was published after N3 (3) under the key order-1",
    ),
    (
        "out_of_order", numbered("b", "a", **LANE), [], [], {}, event_node_id(ident("n1")),
        "Na (sequence a) was published after Nb (b) under the key order-1",
    ),
    (
        "out_of_order",
        [event("a", "A", 0, **LANE), event("b", "B", 1, "a", **LANE)],
        [receipt("a", "c", "succeeded", 5), receipt("b", "c", "succeeded", 2)], [], {},
        delivery_node_id(ident("b"), "c"),
        "c handled B before A, which was published earlier under the key order-1",
    ),
    (
        "orphan", [event("b", "B", 1, "gone"), event("c", "C", 2, "b")], [], [], {},
        event_node_id(ident("b")), "B leads back only to event gone, which was not seen",
    ),
    (
        "orphan", [event("b", "B", 2)], [receipt("gone", "c", "succeeded", 1, published=("b",))],
        [], {}, event_node_id(ident("b")),
        "B leads back only to an event that was not seen",
    ),
    (
        "missing_cause", [*CHAIN, event("c", "C", 2, "b", "gone")], [], [], {},
        event_node_id(ident("c")), "gone, a cause of C, was not seen",
    ),
    (
        "missing_event", ONE, [receipt("e", "c", "succeeded", 1, published=("gone",))], [], {},
        event_node_id(ident("gone")), "c says it published an event that was not seen",
    ),
    (
        "missing_event", [], [SUCCEEDED], [], {}, E,
        "c handled an event that was not seen",
    ),
    (
        "ambiguous_cause", [*CHAIN, TWIN], [], [], {}, event_node_id(ident("b")),
        "2 events have the ID a, a cause of B",
    ),
    (
        "self_cause", [event("e", "E", 0, "e")], [], [], {}, E,
        "E names itself as its cause",
    ),
    (
        "cycle", [event("a", "A", 0, "b"), event("b", "B", 9, "a")], [], [], {},
        event_node_id(ident("b")), "B is among its own causes",
    ),
    (
        "late", [*CHAIN, event("c", "C", 62, "a")], [], [], {"terminal": ("B",)},
        event_node_id(ident("c")), "C was published 1\xa0min\xa01\xa0s after the end, B",
    ),
    (
        "late", [event("a", "A", 5), event("b", "B", 1, "a")], [], [], {},
        event_node_id(ident("a")), "A was published 4.0\xa0s after B, its effect",
    ),
    (
        "truncated", CHAIN, [], [], {"rows_read": 20_000}, event_node_id(ident("a")),
        "only the first 20,000 events, receipts and places each are read",
    ),
    (
        "truncated", CHAIN, [], [], {"truncated_before": at(-60)}, event_node_id(ident("a")),
        "what was published before 2026-08-18 14:22:04.000 UTC is no longer kept",
    ),
    (
        "clock_skew", ONE, [receipt("e", "c", "succeeded", -0.004)], [], {}, EC,
        "c says that it began 4\xa0ms before E was sent; it is shown at the send",
    ),
    (
        "duplicate", ONE, [], [appearance("e", "1-0"), appearance("e", "2-0", seconds=9)], {}, E,
        "E was published 2 times: orders.0 1-0, orders.0 2-0",
    ),
    (
        "resent", ONE, [], [appearance("e", "2-0", seconds=90), appearance("e", "1-0")], {}, E,
        "E was published again by its producer 1\xa0min\xa030\xa0s later:"
        " orders.0 1-0, orders.0 2-0",
    ),
    (
        "redelivered", ONE, [copy("started", 1, 1, "p-1"), copy("succeeded", 9, 2, "p-2")], [], {},
        EC, "c was handed E at orders.0 1-0 again: 2 processes worked on it",
    ),
    (
        "redelivered", ONE, [copy("started", 1, 1, "p-1"), copy("succeeded", 9, 2, "p-1")], [], {},
        EC, "c was handed E at orders.0 1-0 again: an earlier attempt never said how it ended",
    ),
    (
        "redelivered", ONE, [copy("succeeded", 1, 1, "p-1"), copy("skipped", 9, 2, "p-1")], [], {},
        EC, "c was handed E at orders.0 1-0 again: it had been done before",
    ),
    (
        "replayed", ONE, [DEAD, REPLAYED, AGAIN], [], {}, EC,
        "E was replayed to c once",
    ),
    (
        "replayed", ONE, [], [appearance("e", "1-0"), appearance("e", "2-0", b"b", "r1")], {}, E,
        "E was replayed once",
    ),
    (
        "edited", ONE, [], [appearance("e", "1-0"), appearance("e", "2-0", b"x", "r1")], {}, E,
        "E was replayed once with an edited body",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "events", "receipts", "places", "more", "node", "sentence"),
    TABLE,
    ids=[f"{row[0]}-{number}" for number, row in enumerate(TABLE)],
)
def test_what_is_odd_is_said_at_its_node(
    kind: str,
    events: Rows,
    receipts: list[ReceiptRow],
    places: list[AppearanceRow],
    more: dict[str, Any],
    node: str,
    sentence: str,
) -> None:
    found = said(events, receipts, places, **more)
    assert (kind, node, sentence) in found
    assert said(events[::-1], receipts[::-1], places[::-1], **more) == found


@pytest.mark.parametrize(
    ("kind", "events", "receipts", "places", "more"),
    [
        ("handled_twice", ONE, [DEAD, REPLAYED, AGAIN], [], {}),
        ("handled_twice", ONE, [SUCCEEDED, BY_SPAN], [], {}),
        ("duplicate", ONE, [], [appearance("e", "1-0"), appearance("e", "2-0", b"b", "r1")], {}),
        ("duplicate", ONE, [], [appearance("e", "1-0"), appearance("e", "h", broker="http")], {}),
        ("duplicate", ONE, [], [appearance("e", "1-0"), appearance("e", "s", broker="otlp")], {}),
        ("differing_body", ONE, [], [appearance("e", "1"), appearance("e", "2", b"x", "r")], {}),
        ("resent", ONE, [], [appearance("e", "1-0"), appearance("e", "2-0", seconds=9)], {}),
        ("duplicate", ONE, [], [appearance("e", "1-0"), appearance("e", "2-0", seconds=10)], {}),
        ("edited", ONE, [], [appearance("e", "1-0"), appearance("e", "2-0", b"b", "r1")], {}),
        ("redelivered", ONE, [copy("retrying", 1, 1, "p"), copy("succeeded", 2, 2, "p")], [], {}),
        (
            "redelivered", ONE,
            [copy("succeeded", 1, 1, "p"), copy("succeeded", 2, 1, "q", position="2-0")], [], {},
        ),
        ("sequence_gap", numbered("1", "2", "3"), [], [], {}),
        ("sequence_gap", numbered("a", "c"), [], [], {}),
        ("sequence_gap", numbered("1", "900"), [], [], {}),
        ("sequence_gap", numbered("1", "3"), [], [], {"elsewhere": [("/shop/orders", "2")]}),
        ("out_of_order", numbered("9", "10", **LANE), [], [], {}),
        ("out_of_order", numbered("2", "1", topic="orders"), [], [], {}),
        (
            "out_of_order",
            [event("a", "A", 0, **LANE), event("b", "B", 1, "a", **LANE | {"topic": "other"})],
            [receipt("a", "c", "succeeded", 5), receipt("b", "c", "succeeded", 2)], [], {},
        ),
        (
            "out_of_order",
            [event("a", "A", 0, **LANE), event("b", "B", 1, "a", **LANE)],
            [receipt("a", "c", "succeeded", 5), receipt("b", "d", "succeeded", 2)], [], {},
        ),
        (
            "out_of_order",
            [event("a", "A", 0, **LANE), event("b", "B", 0, "a", **LANE)],
            [receipt("a", "c", "succeeded", 5), receipt("b", "c", "succeeded", 2)], [], {},
        ),
        ("orphan", [*CHAIN, event("c", "C", 2, "b", "gone")], [], [], {}),
        ("orphan", [event("a", "A", 0, "b"), event("b", "B", 9, "a")], [], [], {}),
        ("cycle", [event("e", "E", 0, "e")], [], [], {}),
        ("cycle", CHAIN, [], [], {}),
        ("late", [*CHAIN, event("c", "C", 62, "b")], [], [], {"terminal": ("B",)}),
        ("late", [*CHAIN, event("c", "C", 61, "a")], [], [], {"terminal": ("B",)}),
        ("late", [event("a", "A", 1.9), event("b", "B", 1, "a")], [], [], {}),
        ("late", [event("a", "A", 0, "b"), event("b", "B", 9, "a")], [], [], {}),
        ("clock_skew", ONE, [receipt("e", "c", "succeeded", 0)], [], {}),
    ],
)  # fmt: skip
def test_what_is_not_odd(
    kind: str,
    events: Rows,
    receipts: list[ReceiptRow],
    places: list[AppearanceRow],
    more: dict[str, Any],
) -> None:
    assert kind not in {found for found, _, _ in said(events, receipts, places, **more)}


def test_a_whole_cascade_has_none() -> None:
    assert not said(*shop(), terminal=("OrderShipped",))


def test_every_kind_is_in_the_table_and_in_the_docs_the_worst_first() -> None:
    assert {row[0] for row in TABLE} == set(Kind) == set(MEANINGS)
    tones = [MEANINGS[kind].tone for kind in Kind]
    assert tones == sorted(tones, key=["bad", "warn", "idle"].index)
    docs = (Path(__file__).parents[2] / "docs" / "cascades.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `(\w+)` \| ([^|]+) \| (\w+) \|", docs, re.MULTILINE)
    assert told == [(kind, MEANINGS[kind].title, MEANINGS[kind].tone) for kind in Kind]


def test_one_cascade_can_have_them_all() -> None:
    cascade = build("f", *nasty(), terminal=TERMINAL, rows_read=20_000)
    assert {one.kind for one in cascade.anomalies} == set(Kind)
    assert {edge.evidence for edge in cascade.edges} >= {Evidence.INFERRED, Evidence.CAUSATION}
