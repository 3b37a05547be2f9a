"""Pure: the marks of one row of the timeline. `x` and `width` in per cent, `y` in pixels."""

from dataclasses import dataclass, field

LEAST = 0.5  # per cent: so that 2 ms of handling are still seen
LEAST_FAILED = 1.7  # so that the cross has room
CHARACTER = 0.85  # per cent that a character of a note needs, at the usual width


@dataclass(frozen=True, slots=True)
class Box:
    """A bar of the row: wait (hatched), work, bad (with a cross), run."""

    kind: str
    x: float
    width: float

    @property
    def middle(self) -> float:
        """Where the cross stands."""
        return round(self.x + self.width / 2, 2)

    @property
    def end(self) -> float:
        """The right edge."""
        return self.x + self.width


@dataclass(frozen=True, slots=True)
class Link:
    """A thin line within the row; `tone` is a stroke: bad, muted, warn."""

    x1: float
    x2: float
    tone: str


@dataclass(frozen=True, slots=True)
class Note:
    """Words beside or on a bar; `over` is the width in pixels of the ground below them."""

    x: float
    text: str
    anchor: str
    shift: int
    tone: str = ""
    over: int = 0
    bold: bool = False

    @property
    def classes(self) -> str:
        """The classes of its text."""
        tone = f"t-{self.tone}" if self.tone else ""
        return f"{tone} t-b" if self.bold else tone

    @property
    def ground_x(self) -> float:
        """Where the ground begins, in pixels from the note."""
        return -self.over / 2


@dataclass(slots=True)
class Marks:
    """Everything drawn in one row."""

    boxes: list[Box] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    dot: float | None = None  # a filled circle: an event
    hollow: float | None = None  # a dashed circle: an event that was not seen
    critical: tuple[float, float] | None = None  # from, to
    begin: float = 0.0
    end: float = 0.0


def beside(begin: float, end: float, text: str, tone: str = "", *, bold: bool = False) -> Note:
    """A note right of what it describes, else left of it, else on it."""
    room = CHARACTER * len(text) + 2
    if end + room <= 100:
        return Note(end, text, "start", 10, tone, bold=bold)
    if begin >= room:
        return Note(begin, text, "end", -10, tone, bold=bold)
    return over(begin, end, text, tone)


def over(begin: float, end: float, text: str, tone: str = "") -> Note:
    """A note on a bar, with a ground of its own."""
    return Note(round((begin + end) / 2, 2), text, "middle", 0, tone, over=6 * len(text) + 12)
