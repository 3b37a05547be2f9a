"""Every rule of a gate: when it opens the next, holds, or stops the replay."""

from datetime import timedelta

import pytest

from dlq.gates import Move, Standing, judge

QUIET, PATIENCE = timedelta(seconds=1), timedelta(seconds=60)


@pytest.mark.parametrize(
    ("gate", "is_last", "move", "words"),
    [
        (Standing(waiting=1), False, Move.HOLD, ""),
        (Standing(flying=1), False, Move.HOLD, ""),
        (Standing(good=1), False, Move.OPEN, ""),
        (Standing(), False, Move.OPEN, ""),  # all that was in it dropped out
        (Standing(failed=1), False, Move.PAUSE, "1 failed again of 1: more than 5 %"),
        (Standing(waiting=3, good=1, failed=1), False, Move.PAUSE, "1 failed again of 5"),
        (Standing(good=24, failed=1), False, Move.OPEN, ""),  # 4 %
        (Standing(good=23, failed=1, silent=1), False, Move.PAUSE, "1 without a receipt of 25"),
        (Standing(flying=4, silent=1), False, Move.PAUSE, "1 without a receipt of 5"),
        (Standing(waiting=9_000, good=18, failed=1), True, Move.HOLD, ""),  # too few to say
        (Standing(waiting=9_000, good=18, failed=2), True, Move.PAUSE, "2 failed again of 20"),
        (Standing(waiting=9_000, good=96, failed=4), True, Move.HOLD, ""),
        (Standing(flying=1, good=5, failed=5), True, Move.HOLD, ""),  # nothing to hold back
        (Standing(good=5, failed=5), True, Move.HOLD, ""),
    ],
)
def test_a_gate_by_its_outcomes(gate: Standing, is_last: bool, move: Move, words: str) -> None:
    found = judge(gate, is_last=is_last, most_failed=5, quiet=QUIET, patience=PATIENCE)

    assert found[0] is move
    assert words in found[1]
    assert bool(found[1]) == (move is Move.PAUSE)


@pytest.mark.parametrize(
    ("gate", "is_last", "move"),
    [
        (Standing(flying=2), False, Move.PAUSE),
        (Standing(waiting=2, flying=2), True, Move.PAUSE),
        (Standing(flying=2), True, Move.HOLD),
        (Standing(waiting=2), False, Move.HOLD),  # nothing was sent: nothing is awaited
    ],
)
def test_a_gate_without_news(gate: Standing, is_last: bool, move: Move) -> None:
    found = judge(gate, is_last=is_last, most_failed=5, quiet=PATIENCE, patience=PATIENCE)

    assert found[0] is move
    assert ("no outcome for 60 s, 2 are awaited" in found[1]) == (move is Move.PAUSE)


def test_a_hundred_per_cent_may_fail() -> None:
    gate = Standing(waiting=1, failed=30)
    found = judge(gate, is_last=True, most_failed=100, quiet=QUIET, patience=PATIENCE)
    assert found == (Move.HOLD, "")


def test_what_counted_before_a_resume_counts_no_more() -> None:
    now = Standing(waiting=1, flying=2, good=10, failed=3, silent=1)
    assert now.less(Standing(good=9, failed=3, silent=2)) == Standing(waiting=1, flying=2, good=1)
