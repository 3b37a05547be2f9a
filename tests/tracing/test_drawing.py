"""The timeline's geometry: everything on the axis, silences folded, windows of rows."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tracing.making import at, event, receipt, shop
from tracing.cascade import build
from tracing.drawing import Axis, draw


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 100)), min_size=1, max_size=12))
def test_the_axis_is_monotonic_and_within_its_bounds(spans: list[tuple[int, int]]) -> None:
    busy = [(at(start), at(start + length)) for start, length in spans]
    moments = sorted({moment for span in busy for moment in span})
    for fold in (True, False):
        places = [Axis.over(busy, fold=fold).x(moment) for moment in moments]
        assert places == sorted(places)
        assert all(0 <= place <= 100 for place in places)


def test_a_long_silence_is_folded_and_said() -> None:
    busy = [(at(0), at(10)), (at(1800), at(1810))]
    axis = Axis.over(busy, fold=True)
    assert [(fold.start, fold.end) for fold in axis.folds] == [(at(10), at(1800))]
    assert axis.x(at(5)) == pytest.approx(24, abs=1)
    assert any(tick.text.startswith("+30") for tick in axis.ticks)
    assert Axis.over(busy, fold=False).folds == []


def test_growing_pauses_between_tries_are_not_folded() -> None:
    busy = [(at(x), at(x + 0.1)) for x in (0, 1.1, 3.2, 7.3, 15.4)]
    assert Axis.over(busy, fold=True).folds == []


def test_a_dead_letter_reaches_to_now_behind_a_fold() -> None:
    rows = [receipt("e", "c", "dead_lettered", 1)]
    timeline = draw(build("f", [event("e", "E", 0)], rows), at(3600))
    dead = timeline.rows[1].marks
    assert dead.links[-1].x2 == 100.0
    assert [note.text for note in dead.notes] == ["dead letter"]
    assert timeline.axis.ticks[-1].text.endswith("now")


def test_fan_in_is_drawn_from_the_other_cause() -> None:
    events, receipts, _ = shop()
    timeline = draw(build("f", events, receipts, terminal=("OrderShipped",)), at(6))
    joined = [joint for joint in timeline.joints if joint.to_x is not None]
    rows = {row.name: row for row in timeline.rows}
    assert len(joined) == 1
    assert joined[0].y1 == rows["StockReserved"].middle
    assert joined[0].y2 == rows["OrderShipped"].middle
    assert rows["OrderShipped"].fan_in


def test_a_window_of_a_long_cascade() -> None:
    rows = [event(f"e{n}", "E", n, *([f"e{n - 1}"] if n else [])) for n in range(200)]
    timeline = draw(build("f", rows, []), at(300), first=120, rows=60)
    assert (len(timeline.rows), timeline.total, timeline.height) == (60, 200, 26 + 60 * 32)
    assert timeline.rows[0].indent == 0
    assert all(joint.y2 <= timeline.height for joint in timeline.joints)


@given(st.floats(-5, 5000))
def test_marks_stay_on_the_axis(now: float) -> None:
    events, receipts, _ = shop()
    for row in draw(build("f", events, receipts), at(now)).rows:
        for box in row.marks.boxes:
            assert 0 <= box.x <= box.end <= 100.01


def test_an_attempt_that_never_said_its_end_is_not_at_work_for_ever() -> None:
    copy: dict[str, Any] = {"stream": "orders.0", "position": "1-0"}
    tries = [
        receipt("e", "c", "started", 1, **copy),
        receipt("e", "c", "succeeded", 5, attempt=2, **copy),
    ]
    (row,) = [
        row
        for row in draw(build("f", [event("e", "E", 0)], tries), at(9_999)).rows
        if not row.is_event
    ]
    assert [box.kind for box in row.marks.boxes] == ["wait", "work", "work"]
    assert row.marks.end == 100
    still = draw(build("f", [event("e", "E", 0)], tries[:1]), at(9)).rows[1]
    assert [box.kind for box in still.marks.boxes] == ["wait", "run"]
