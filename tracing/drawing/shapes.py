"""Pure: the marks of one row of the timeline. `x` and `width` in per cent, `y` in pixels."""

from dataclasses import dataclass, field

LEAST = 0.5  # per cent: so that 2 ms of handling are still seen
LEAST_FAILED = 1.7  # so that the cross has room
CHARACTER = 1.3  # per cent that a character of a note needs, at the usual width
PIXELS = 6  # that it needs at any width


@dataclass(frozen=True, slots=True)
class Box:
    """A bar of the row: wait (hatched), work, bad (with a cross), run, guess (dashed)."""

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
        return min(self.shift + 5.0, 0.0) - self.over if self.anchor == "end" else -self.over / 2

    @property
    def reach(self) -> tuple[float, float]:
        """From where to where it covers the row, in per cent, about."""
        width = room_for(self.text)
        left = {"start": 0.0, "middle": width / 2, "end": width}[self.anchor]
        return self.x - left, self.x - left + width


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

    def say(self, note: Note) -> None:
        """Add a note; it takes the place of those it would cover."""
        left, right = note.reach
        self.notes = [one for one in self.notes if one.reach[1] <= left or one.reach[0] >= right]
        self.notes.append(note)


def room_for(text: str) -> float:
    """The width that words need, in per cent."""
    return CHARACTER * len(text) + 2.5


def beside(
    marks: Marks, begin: float, end: float, text: str, tone: str = "", *, bold: bool = False
) -> Note:
    """A note right of what it describes, else left of it, else in its widest pause, else on it."""
    room = room_for(text)
    if end + room <= 100:
        return Note(end, text, "start", 10, tone, bold=bold)
    ground = PIXELS * len(text) + 10
    if begin >= room:
        return Note(begin, text, "end", -10, tone, over=ground, bold=bold)
    pauses = [link for link in marks.links if link.x2 - link.x1 >= room]
    widest = max(pauses, key=lambda link: link.x2 - link.x1, default=None)
    return over(widest.x1, widest.x2, text, tone) if widest else over(begin, end, text, tone)


def over(begin: float, end: float, text: str, tone: str = "") -> Note:
    """A note in the middle of a stretch, with a ground of its own."""
    middle = round((begin + end) / 2, 2)
    return Note(middle, text, "middle", 0, tone, over=PIXELS * len(text) + 12)


def at_edge(text: str, tone: str) -> Note:
    """A note at the right edge, on a ground of its own."""
    return Note(100.0, text, "end", 0, tone, over=PIXELS * len(text) + 12, bold=True)
