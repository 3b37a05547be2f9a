"""The table of states knows every state of the product, with an icon of the sprite."""

import re
from pathlib import Path

import pytest

from dlq.words import ItemState, LetterState, ReplayState
from kit.marks import MARKS, mark
from kit.templatetags import console

ROOT = Path(__file__).resolve().parents[2]
VERDICTS = (
    "ok",
    "catching_up",
    "falling_behind",
    "stalled",
    "stopped",
    "rewound",
    "unknown",
    "gone",
)
OUTCOMES = ("started", "succeeded", "retrying", "failed", "dead_lettered", "skipped")
FLOWS = ("running", "complete", "failed", "mended", "quiet")


@pytest.mark.parametrize(
    "state", [*LetterState, *ReplayState, *ItemState, *VERDICTS, *OUTCOMES, *FLOWS]
)
def test_every_state_has_its_mark(state: str) -> None:
    assert str(state) in MARKS


@pytest.mark.parametrize("state", sorted(MARKS))
def test_a_state_is_shown_by_icon_word_and_colour(state: str) -> None:
    html = console.state(state)
    shown = mark(state)
    assert f"#i-{shown.icon}" in html
    assert shown.word in html
    assert f"st {shown.tone}" in html


def test_tones_are_those_of_the_stylesheet() -> None:
    css = (ROOT / "static" / "console.css").read_text()
    for shown in MARKS.values():
        assert re.search(rf"^\.{shown.tone} {{", css, re.MULTILINE)


def test_a_state_the_table_does_not_know_keeps_its_own_word() -> None:
    assert mark("half_way").word == "Half way"


def test_an_icon_that_the_sprite_lacks_is_an_error() -> None:
    with pytest.raises(ValueError, match="no-such-icon"):
        console.icon("no-such-icon")
