"""Where the reading of a stream begins that is read without a consumer group. Pure."""

import re
from dataclasses import dataclass
from datetime import timedelta

NEWEST = "1000 entries"  # where nothing is configured
ENTRIES_MAX = 100_000  # they are walked once to find where they begin; "all" walks nothing
AGO_MAX = timedelta(days=3650)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class Start:
    """How much of what is there already is read; with neither of the two, all of it."""

    entries: int | None = None  # the newest so many
    ago: timedelta | None = None  # those not older than that


def parse(text: str) -> Start:
    """`"1000 entries"`, `"90s"`, `"30m"`, `"1h"`, `"7d"`, `"all"` or `"now"`. Raises ValueError."""
    if text in ("all", "now"):
        return Start(entries=0 if text == "now" else None)
    if found := re.fullmatch(r"([0-9]{1,6}) entr(?:ies|y)", text):
        number = int(found[1])
        if 1 <= number <= ENTRIES_MAX:
            return Start(entries=number)
    if found := re.fullmatch(r"([0-9]{1,9})([smhd])", text):
        ago = timedelta(**{_UNITS[found[2]]: int(found[1])})
        if timedelta() < ago <= AGO_MAX:
            return Start(ago=ago)
    raise ValueError(
        f'{text!r} is no start; for example "1000 entries" (at most {ENTRIES_MAX:,}), "1h", "7d",'
        ' "all" or "now"'
    )
