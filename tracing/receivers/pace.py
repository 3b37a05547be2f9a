"""How fast one token may send events and spans, in this process: beyond, 429 with Retry-After."""

import math
import time

from kit import limits
from kit.http import Problem
from kit.models import ApiToken
from kit.pace import Pace

LONGEST_S = 3_600  # told to wait
_paces: dict[tuple[float, int], Pace] = {}


def admit(token: ApiToken) -> None:
    """Raises Problem 429 when this token has sent more than its rate and its burst."""
    pace = _pace()
    wait = pace.wait(token.pk, time.monotonic()) if pace else 0.0
    if wait > 0:
        detail = f"the token may send {limits.intake.events_per_s:g} events a second"
        after = str(min(math.ceil(wait), LONGEST_S))
        raise Problem(429, "Too many events", detail, headers={"Retry-After": after})


def spend(token: ApiToken, count: int) -> None:
    """This token sent so many events or spans."""
    pace = _pace()
    if pace:
        pace.spend(token.pk, count, time.monotonic())


def _pace() -> Pace | None:
    """The pace of the limits in force; None without a limit."""
    chosen = limits.intake.events_per_s, limits.intake.burst
    if not chosen[0]:
        return None
    return _paces.get(chosen) or _paces.setdefault(chosen, Pace(*chosen))
