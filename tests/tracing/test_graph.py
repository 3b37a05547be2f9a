"""The graph's layout: everything to the right of what led to it, nothing on anything else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tracing.making import event, receipt, shop
from tracing.cascade import Cascade, build
from tracing.cascade.graph import Graph, graph
from tracing.drawing.graph import GAP, HIGH, NODE, draw_graph


def places(found: Graph) -> dict[str, tuple[int, int]]:
    """Column and row of each node by its name; of several, the last."""
    names = {}
    for spot in found.spots:
        node = spot.node
        names[getattr(node, "consumer", "") or getattr(node, "name", "")] = (spot.column, spot.row)
    return names


def chain(number: int) -> Cascade:
    """Events that each led to the next."""
    return build(
        "f", [event(f"e{n}", "E", n, *([f"e{n - 1}"] if n else [])) for n in range(number)], []
    )


def test_the_shop_is_drawn_in_layers() -> None:
    events, receipts, _ = shop()
    cascade = build("f", events, receipts)
    found = graph(cascade)
    at = places(found)
    assert at["OrderPlaced"] == (0, 0)
    assert {at[name][0] for name in ("payment", "inventory", "notification", "analytics")} == {1}
    assert {at[name][0] for name in ("PaymentCaptured", "StockReserved")} == {2}
    assert at["OrderShipped"][0] == 4
    rows = [at[name][1] for name in ("payment", "inventory", "notification", "analytics")]
    assert len(set(rows)) == 4


def test_fan_in_is_a_line_of_its_own_and_doubled_causes_are_not_drawn() -> None:
    events, receipts, _ = shop()
    cascade = build("f", events, receipts)
    joins = [(link.origin.node, link.target.node) for link in graph(cascade).links if link.joins]
    assert [(getattr(a, "name", ""), getattr(b, "name", "")) for a, b in joins] == [
        ("StockReserved", "OrderShipped")
    ]
    # placed led to captured by payment's delivery: the bare cause is not said a second time
    assert len(graph(cascade).links) == len(graph(cascade).spots)


def test_a_circle_and_a_self_cause_are_drawn() -> None:
    rows = [event("a", "A", 0, "c"), event("b", "B", 1, "a"), event("c", "C", 2, "b", "c")]
    found = graph(build("f", rows, []))
    assert sorted(spot.column for spot in found.spots) == [0, 1, 2]
    assert len(found.links) == 3
    assert any("H" in line.path for line in draw_graph(build("f", rows, [])).lines)


def test_a_window_tells_what_is_cut() -> None:
    cascade = chain(700)
    found = graph(cascade, 300, 300)
    assert (len(found.spots), found.columns, found.rows) == (300, 300, 1)
    assert [spot.node.id for spot in found.spots if spot.cut] == [cascade.outline[300].node.id]
    assert graph(cascade, 600, 300).columns == 100


def test_ten_thousand_nodes_open_windowed() -> None:
    rows = [event("root", "Root", 0), *(event(f"e{n}", "E", n + 1, "root") for n in range(9_999))]
    drawing = draw_graph(build("f", rows, []))
    assert len(drawing.nodes) == 300
    assert drawing.height < 300 * 100


@st.composite
def cascades(draw: st.DrawFn) -> Cascade:
    """Any events and deliveries, also with circles, missing causes and several of them."""
    number = draw(st.integers(1, 14))
    ids = st.integers(0, number + 1).map(lambda n: f"e{n}")
    events = [
        event(f"e{n}", f"T{n}", draw(st.integers(0, 20)), *draw(st.lists(ids, max_size=3)))
        for n in range(number)
    ]
    receipts = [
        receipt(draw(ids), f"c{n}", "succeeded", n, published=draw(st.lists(ids, max_size=2)))
        for n in range(draw(st.integers(0, 6)))
    ]
    return build("f", events, receipts)


@given(cascades())
def test_the_layout_holds_for_any_cascade(cascade: Cascade) -> None:
    found = graph(cascade)
    cells = [(spot.column, spot.row) for spot in found.spots]
    assert len(set(cells)) == len(cells) == len(cascade.nodes)
    placed = [link for link in found.links if not link.joins]
    assert all(link.target.column > link.origin.column for link in placed)
    taken = set(cells)
    for link in placed:  # a line of the tree crosses no node
        between = range(link.origin.column + 1, link.target.column)
        assert not {(column, link.target.row) for column in between} & taken
    assert draw_graph(cascade).width == 24 + found.columns * (NODE + GAP) - GAP


@given(cascades())
def test_lines_stay_on_the_drawing(cascade: Cascade) -> None:
    drawing = draw_graph(cascade)
    for line in drawing.lines:
        heights = [int(y) for y in re.findall(r"V(-?\d+)", line.path)]
        assert all(0 <= y <= drawing.height for y in heights)
    assert all(node.y + HIGH <= drawing.height for node in drawing.nodes)


@pytest.mark.parametrize("size", [1, 7])
def test_every_node_is_in_one_window(size: int) -> None:
    cascade = chain(20)
    shown = [
        spot.node.id for first in range(0, 20, size) for spot in graph(cascade, first, size).spots
    ]
    assert shown == [line.node.id for line in cascade.outline]
