"""Whether a replay's gate opens the next, holds, or stops the replay. Pure.

A gate is the next few letters of a ramp (1, 5, 25, then the rest): it waits for outcomes, not for
sends. What failed, and what nobody told of, counts against it.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

ENOUGH = 20  # outcomes of the rest, before their ratio says anything


class Move(StrEnum):
    """What follows from where a gate stands."""

    HOLD = "hold"
    OPEN = "open"  # the next gate
    PAUSE = "pause"


@dataclass(frozen=True, slots=True)
class Standing:
    """Members of one gate, since it opened or since it was resumed last."""

    waiting: int = 0
    flying: int = 0
    good: int = 0
    failed: int = 0
    silent: int = 0  # without a receipt

    @property
    def bad(self) -> int:
        """What counts against the gate."""
        return self.failed + self.silent

    @property
    def done(self) -> int:
        """Members with an outcome."""
        return self.good + self.bad

    @property
    def members(self) -> int:
        """All that have, or will have, an outcome in this gate."""
        return self.waiting + self.flying + self.done

    def less(self, before: "Standing") -> "Standing":
        """What came after `before`; what waits or flies does so now."""
        return Standing(
            waiting=self.waiting,
            flying=self.flying,
            good=max(0, self.good - before.good),
            failed=max(0, self.failed - before.failed),
            silent=max(0, self.silent - before.silent),
        )


def judge(
    gate: Standing, *, is_last: bool, most_failed: int, quiet: timedelta, patience: timedelta
) -> tuple[Move, str]:
    """The move and, for a pause, why.

    `most_failed` is in per cent of the gate's members; `quiet` is how long nothing was sent and
    no outcome came, `patience` how long that may be.
    """
    if is_last and not gate.waiting:  # there is nothing left to hold back
        return Move.HOLD, ""
    if _too_many(gate.bad, gate.members, most_failed):
        return Move.PAUSE, _why(gate, gate.members, most_failed)
    if is_last and gate.done >= ENOUGH and _too_many(gate.bad, gate.done, most_failed):
        return Move.PAUSE, _why(gate, gate.done, most_failed)
    if gate.flying and quiet >= patience:
        seconds = int(patience.total_seconds())
        return Move.PAUSE, f"no outcome for {seconds} s, {gate.flying:,} are awaited"
    if not is_last and not gate.waiting and not gate.flying:
        return Move.OPEN, ""
    return Move.HOLD, ""


def _too_many(bad: int, of: int, most_failed: int) -> bool:
    return bad * 100 > most_failed * of


def _why(gate: Standing, of: int, most_failed: int) -> str:
    said = [f"{gate.failed:,} failed again"] if gate.failed else []
    said += [f"{gate.silent:,} without a receipt"] if gate.silent else []
    return f"{' and '.join(said)} of {of:,}: more than {most_failed} %"
