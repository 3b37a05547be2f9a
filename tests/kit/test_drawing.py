"""The geometry of the small drawings."""

from hypothesis import given
from hypothesis import strategies as st

from kit.drawing import small

_NUMBERS = st.floats(min_value=0, max_value=1e9, allow_nan=False)


def _points(line: str) -> list[tuple[float, float]]:
    pairs = (point.split(",") for point in line.split(" "))
    return [(float(x), float(y)) for x, y in pairs]


def test_a_sparkline_rises_from_the_ground_to_the_top() -> None:
    (line,) = small.sparkline([0, 5, 10])
    assert _points(line) == [(0, 27.5), (56, 15.25), (112, 3)]


def test_unknown_is_a_gap_and_not_zero() -> None:
    before, after = small.sparkline([1, 1, None, 1, 1])
    assert _points(before)[-1][0] == 28
    assert _points(after)[0][0] == 84


def test_nothing_known_draws_nothing() -> None:
    assert small.sparkline([]) == small.sparkline([None, None]) == []


def test_a_single_known_value_is_still_a_line() -> None:
    (line,) = small.sparkline([None, 4, None])
    assert len(_points(line)) == 2


@given(st.lists(st.none() | _NUMBERS, max_size=60))
def test_a_sparkline_stays_in_its_box(values: list[float | None]) -> None:
    for line in small.sparkline(values):
        for x, y in _points(line):
            assert 0 <= x <= small.WIDTH
            assert 0 <= y <= small.HEIGHT


def test_a_trend_shows_one_beside_a_thousand_and_marks_empty_slots() -> None:
    bars = small.trend([0, 1, 1000])
    assert [bar.empty for bar in bars] == [True, False, False]
    assert bars[1].height >= 1.5
    assert bars[2].y == 6
    assert all(bar.y + bar.height == small.HEIGHT for bar in bars)
    assert small.trend([]) == []


def test_shares_lie_side_by_side_and_leave_out_what_is_nothing() -> None:
    parts = small.shares([("work", 75), ("pale", 0), ("bad", 25)])
    assert [(part.name, part.x, part.width) for part in parts] == [
        ("work", 0, 75),
        ("bad", 75, 25),
    ]
    assert small.shares([("work", 0)]) == []


@given(st.lists(st.tuples(st.sampled_from(["ok", "bad"]), _NUMBERS), max_size=8))
def test_shares_fill_the_bar_and_hide_no_part(parts: list[tuple[str, float]]) -> None:
    shown = small.shares(parts)
    if shown:
        assert abs(shown[-1].x + shown[-1].width - 100) < 0.05
        assert all(share.width > 0.3 for share in shown)
