"""Which rows of a long list a page shows; the URL says where the window begins."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """`first` to `last`, counted from one, of `rows`; where the ones before and after begin."""

    first: int
    last: int
    rows: int
    before: int | None
    after: int | None


def window(first: int, rows: int, size: int) -> Window | None:
    """The window from row `first` on, or None when all rows fit in one."""
    if rows <= size:
        return None
    return Window(
        first=first + 1,
        last=min(first + size, rows),
        rows=rows,
        before=max(0, first - size) if first else None,
        after=first + size if first + size < rows else None,
    )


def begin(text: str, rows: int, size: int) -> int:
    """Where the window that has this row begins; the first one for what is no number."""
    wanted = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
    return min(wanted, max(0, rows - 1)) // size * size
