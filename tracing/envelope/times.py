"""Times as programs write them that keep to no standard."""

import re
from datetime import UTC, datetime, timedelta

from tracing.envelope.attributes import rfc3339

# Smallest and (excluded) largest of a Unix time, and how many of its units make a second: so that
# each unit covers 1973 to 2128 at least, and none is taken for another.
_UNITS = ((10**8, 1), (10**11, 10**3), (10**14, 10**6), (10**17, 10**9))
_LARGEST = 10**20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# NServiceBus's own form, `2026-08-18 14:23:04:123456 Z`
_COLONS = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d):(\d{6}) Z", re.ASCII)
_NAIVE = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d+)?)( ?(?:Z|[+-]\d\d:?\d\d))?", re.ASCII
)
_NUMBER = re.compile(r"\d{9,20}(?:\.\d{1,9})?", re.ASCII)


def moment(value: object) -> datetime:
    """The moment in UTC of RFC 3339, ISO 8601 without a zone (taken as UTC), a Unix time in
    seconds, milli-, micro- or nanoseconds, or NServiceBus's form. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("is no time")
    text = value.strip() if isinstance(value, str) else value
    if isinstance(text, str) and not _NUMBER.fullmatch(text):
        return _written(text)
    return _unix(text)


def _written(text: str) -> datetime:
    if found := _COLONS.fullmatch(text):
        return rfc3339(f"{found[1]}T{found[2]}.{found[3]}Z")
    if found := _NAIVE.fullmatch(text):
        zone = (found[3] or "Z").strip()
        zone = zone if len(zone) in (1, 6) else f"{zone[:3]}:{zone[3:]}"
        return rfc3339(f"{found[1]}T{found[2]}{zone}")
    return rfc3339(text)


def _unix(value: str | int | float) -> datetime:
    number = float(value) if isinstance(value, float) or "." in str(value) else int(value)
    if not _UNITS[0][0] <= number < _LARGEST:
        raise ValueError("is no time since 1973")
    units = next(units for least, units in reversed(_UNITS) if number >= least)
    if isinstance(number, float):
        return _EPOCH + timedelta(seconds=number / units)
    return _EPOCH + timedelta(microseconds=number * 10**6 // units)
