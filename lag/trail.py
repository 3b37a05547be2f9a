"""The last hour of one number in slots of 15 s, kept in the row it belongs to. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

STEP_S = 15
KEPT = 240  # slots: one hour

Trail = Mapping[str, Any]  # {"slot": number of the last slot, "values": [float | None, …]}


def extend(trail: Trail, at: datetime, value: float | None) -> dict[str, Any]:
    """The trail with one more value; within one slot the worst counts, a gap is None."""
    slot = int(at.timestamp()) // STEP_S
    values: list[float | None] = list(trail.get("values", ()))
    last = int(trail.get("slot", slot))
    if values and slot == last:
        known = [v for v in (values[-1], value) if v is not None]
        values[-1] = max(known) if known else None
    else:
        values += [None] * min(KEPT, max(0, slot - last - 1)) if values else []
        values.append(value)
    return {"slot": slot, "values": [None if v is None else round(v, 1) for v in values[-KEPT:]]}


def thinned(trail: Trail, points: int) -> list[float | None]:
    """At most `points` values, each the worst of its stretch."""
    values: Sequence[float | None] = trail.get("values", ())
    if len(values) <= points:
        return list(values)
    size = -(-len(values) // points)
    return [_worst(values[start : start + size]) for start in range(0, len(values), size)]


def _worst(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return max(known) if known else None
