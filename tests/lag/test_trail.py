"""The last hour of a number, in slots."""

from datetime import UTC, datetime, timedelta

from lag.trail import KEPT, extend, thinned

START = datetime(2026, 8, 18, 14, 0, 0, tzinfo=UTC)


def trail_of(values: dict[int, float | None]) -> dict[str, object]:
    made: dict[str, object] = {}
    for seconds, value in values.items():
        made = extend(made, START + timedelta(seconds=seconds), value)
    return made


def test_the_worst_of_a_slot_counts_and_unknown_does_not_hide_it() -> None:
    assert trail_of({0: 3.0, 5: 9.0, 10: None})["values"] == [9.0]


def test_a_gap_is_none() -> None:
    assert trail_of({0: 1.0, 60: 2.0})["values"] == [1.0, None, None, None, 2.0]


def test_an_hour_is_kept() -> None:
    made = trail_of({15 * n: float(n) for n in range(KEPT + 10)})
    assert made["values"][0] == 10.0  # type: ignore[index]
    assert len(made["values"]) == KEPT  # type: ignore[arg-type]
    after_a_day = extend(made, START + timedelta(days=1), 5.0)
    assert len(after_a_day["values"]) == KEPT
    assert [value for value in after_a_day["values"] if value is not None] == [5.0]


def test_thinned_keeps_the_worst() -> None:
    made = trail_of({15 * n: float(n % 7) for n in range(100)})
    short = thinned(made, 10)
    assert len(short) == 10
    assert max(value or 0 for value in short) == 6.0
    assert thinned({}, 10) == []
