"""Two texts side by side, line by line. Pure."""

from dataclasses import dataclass
from difflib import SequenceMatcher

LINES = 4_000  # longer texts are not compared line by line


@dataclass(frozen=True, slots=True)
class Line:
    """One line of one side; number 0 stands for a gap beside a line of the other side."""

    number: int
    text: str
    kind: str  # same, add, del, gap


@dataclass(frozen=True, slots=True)
class Diff:
    """Both sides, as many lines each; `changes` counts lines added and removed."""

    left: list[Line]
    right: list[Line]
    changes: int
    too_long: bool = False


def side_by_side(before: str, after: str) -> Diff:
    """The lines of both texts, gaps where the other side has more."""
    old, new = before.split("\n"), after.split("\n")
    if len(old) > LINES or len(new) > LINES:
        return Diff([], [], 0, too_long=True)
    left: list[Line] = []
    right: list[Line] = []
    changes = 0
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        kinds = ("same", "same") if tag == "equal" else ("del", "add")
        left += [Line(a + at + 1, text, kinds[0]) for at, text in enumerate(old[a:b])]
        right += [Line(c + at + 1, text, kinds[1]) for at, text in enumerate(new[c:d])]
        if tag != "equal":
            changes += max(b - a, d - c)
        gap = (b - a) - (d - c)
        (left if gap < 0 else right).extend([Line(0, "", "gap")] * abs(gap))
    return Diff(left, right, changes)
