"""The gates of a ramp as plan and progress show them."""

from datetime import datetime
from typing import Any

from dlq import ramp
from dlq.gates import Standing
from dlq.models import Replay
from dlq.words import ReplayState
from kit import formats
from kit.marks import mark

RAMPS = (
    ("1,5,25", "1, 5, 25, then the rest"),
    ("1", "1, then the rest"),
    ("10,100,1000", "10, 100, 1,000, then the rest"),
    ("", "all at once"),
)
BOUNDS = (0, 1, 5, 10, 20, 50, 100)  # per cent of a gate that may fail


def planned(replay: Replay, letters: int) -> dict[str, Any]:
    """The gates that a plan would have, and what there is to choose from."""
    steps, left = [], letters
    for number, size in enumerate(replay.ramp):
        taken = min(size, left)
        left -= taken
        if taken:
            steps.append({"letters": taken, "word": "next" if number else "first"})
    if left or not steps:
        steps.append({"letters": left, "word": "the rest" if steps else "all at once"})
    chosen = ",".join(str(size) for size in replay.ramp)
    ramps = list(RAMPS)
    if chosen not in dict(RAMPS):
        ramps.insert(0, (chosen, f"{chosen.replace(',', ', ')}, then the rest"))
    return {
        "steps": steps,
        "ramps": ramps,
        "ramp_chosen": chosen,
        "bounds": sorted({*BOUNDS, replay.most_failed}),
    }


def passing(replay: Replay) -> dict[str, Any]:
    """The gates of a replay that was started, each with where it stands."""
    gates = replay.plan.get("gates", [])
    found = ramp.standing(replay, replay.gate) if gates else Standing()
    return {
        "gates": [_gate(replay, number, gate, found) for number, gate in enumerate(gates)],
        "stopped": replay.plan.get("stopped", ""),
        "may_go_again": found.failed if replay.state == ReplayState.PAUSED else 0,
        "gate_marks": [
            {"at": datetime.fromisoformat(gate["passed_at"]), "text": f"gate {number}"}
            for number, gate in enumerate(gates, 1)
            if gate["passed_at"]
        ],
    }


def _gate(replay: Replay, number: int, gate: dict[str, Any], now: Standing) -> dict[str, Any]:
    is_last = gate["until"] is None
    others = is_last and number > 0
    name = f"The other {gate['letters']:,}" if others else formats.plural(gate["letters"], "letter")
    if gate["passed_at"]:
        took = datetime.fromisoformat(gate["passed_at"]) - datetime.fromisoformat(gate["opened_at"])
        words = f"{gate['good']:,} of {gate['letters']:,} succeeded"
        words += f", {formats.duration(took.total_seconds())}"
        return {"name": name, "mark": mark("succeeded"), "words": words}
    if number != replay.gate:
        return {"name": name, "mark": mark("expected"), "words": "closed"}
    return {"name": name, "mark": mark(_state(replay, now)), "words": _words(now)}


def _state(replay: Replay, now: Standing) -> str:
    if replay.state == ReplayState.RUNNING:
        return "running"
    if replay.state == ReplayState.PAUSED:
        return "paused"
    return "failed_again" if now.bad else "succeeded"


def _words(now: Standing) -> str:
    named = (
        (now.good, "succeeded"),
        (now.failed, "failed again"),
        (now.silent, "without a receipt"),
        (now.flying, "awaited"),
        (now.waiting, "to go"),
    )
    return ", ".join(f"{count:,} {word}" for count, word in named if count) or "nothing to send"
