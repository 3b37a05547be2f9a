"""How numbers and times are written on a page; pure, time is an argument.

What is not known is written "unknown", never 0 and never a dash. A number and its unit are kept
on one line by a no-break space.
"""

from datetime import UTC, datetime
from decimal import Decimal

UNKNOWN = "unknown"
NBSP = "\N{NO-BREAK SPACE}"

_BYTES = (("GiB", 1_024**3), ("MiB", 1_024**2), ("KiB", 1_024))
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))  # name, seconds


def count(number: int | None, *, bounded: bool = False, estimated: bool = False) -> str:
    """`12,430`; `≥ 10,000` when it is a lower bound, `10,000+` when it was counted no further."""
    if number is None:
        return UNKNOWN
    text = f"{number:,}"
    if bounded:
        return f"≥{NBSP}{text}"
    return f"{text}+" if estimated else text


def money(amount: Decimal | float | None, currency: str = "") -> str:
    """`EUR 12,430`, with cents below 1,000: `EUR 89.90`. Without a currency just the number."""
    if amount is None:
        return UNKNOWN
    text = f"{amount:,.2f}" if -1_000 < amount < 1_000 else f"{amount:,.0f}"
    return f"{currency}{NBSP}{text}" if currency else text


def share(part: float | None, whole: float = 1.0, digits: int = 0) -> str:
    """`15 %` of the whole; unknown when either is not known or the whole is nothing."""
    if part is None or not whole:
        return UNKNOWN
    return f"{100 * part / whole:.{digits}f}{NBSP}%"


def rate(number: float | None) -> str:
    """A rate beside its unit: one decimal below 10 (`6.3`), whole from there on (`930`)."""
    if number is None:
        return UNKNOWN
    if number and number < 10 and round(number, 1) != round(number):
        return f"{number:.1f}"
    return f"{number:,.0f}"


def duration(seconds: float | None) -> str:
    """How long something took: `88 ms`, `0.74 s`, `16.1 s`, `8 min 12 s`, `6 d 23 h`."""
    if seconds is None:
        return UNKNOWN
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if round(seconds, 3) < 0.1:
        return f"{seconds * 1_000:.0f}{NBSP}ms"
    if round(seconds, 2) < 1:
        return f"{seconds:.2f}{NBSP}s"
    if round(seconds, 1) < 60:
        return f"{seconds:.1f}{NBSP}s"
    return age(round(seconds))


def age(seconds: float | None) -> str:
    """How old something is, two units at most: `3 s`, `8 min 12 s`, `5 h 3 min`, `6 d 23 h`."""
    if seconds is None:
        return UNKNOWN
    rest = max(0, int(seconds))
    for at, (name, size) in enumerate(_UNITS):
        if rest >= size:
            text = f"{rest // size}{NBSP}{name}"
            if at + 1 < len(_UNITS):
                smaller_name, smaller = _UNITS[at + 1]
                below = rest % size // smaller
                text += f"{NBSP}{below}{NBSP}{smaller_name}" if below else ""
            return text
    return f"0{NBSP}s"


def clock_time(moment: datetime | None, now: datetime) -> str:
    """The time in a list, UTC: `14:02` today, `17 Aug, 22:40` this year, else with the year."""
    if moment is None:
        return UNKNOWN
    then, today = moment.astimezone(UTC), now.astimezone(UTC)
    if then.date() == today.date():
        return f"{then:%H:%M}"
    year = "" if then.year == today.year else f" {then.year}"
    return f"{then.day}{NBSP}{then:%b}{year}, {then:%H:%M}"


def clock_seconds(moment: datetime | None) -> str:
    """The time to the second, UTC: `14:24:58`."""
    return UNKNOWN if moment is None else f"{moment.astimezone(UTC):%H:%M:%S}"


def trace_time(moment: datetime | None) -> str:
    """The time in a trace, UTC, to the millisecond: `14:23:04.112`."""
    if moment is None:
        return UNKNOWN
    then = moment.astimezone(UTC)
    return f"{then:%H:%M:%S}.{then.microsecond // 1_000:03d}"


def ago(moment: datetime | None, now: datetime) -> str:
    """Relative under an hour (`6 s ago`, `34 min ago`), from there on the time of day."""
    if moment is None:
        return UNKNOWN
    seconds = (now - moment).total_seconds()
    if seconds >= 3_600:
        return clock_time(moment, now)
    whole = max(0, int(seconds))
    return f"{whole}{NBSP}s ago" if whole < 60 else f"{whole // 60}{NBSP}min ago"


def full_time(moment: datetime | None) -> str:
    """The whole time with its zone, for titles: `2026-08-18 14:23:04.112 UTC`."""
    return (
        UNKNOWN if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d} {trace_time(moment)} UTC"
    )


def size(number: int | None) -> str:
    """A size: `412 bytes`, `12.4 KiB`, `2.0 MiB`, `18.6 GiB`."""
    if number is None:
        return UNKNOWN
    if number < 1_024:
        return f"{number}{NBSP}byte{'' if number == 1 else 's'}"
    unit, scale = next((unit, scale) for unit, scale in _BYTES if number >= scale)
    return f"{number / scale:.1f}{NBSP}{unit}"


def short_id(text: str) -> str:
    """A long ID by its ends, `0198bd4e…7b12`; up to 16 characters it is whole."""
    return text if len(text) <= 16 else f"{text[:8]}…{text[-4:]}"


def plural(number: int | None, one: str, many: str = "") -> str:
    """A counted word: `1 letter`, `3 letters`, `2 copies` with the form given."""
    word = one if number == 1 else many or f"{one}s"
    return f"{count(number)}{NBSP}{word}"


def times(number: int) -> str:
    """How often: `once`, `twice`, `12 times`."""
    return {1: "once", 2: "twice"}.get(number, f"{number:,} times")
