"""The ramp of a replay: gates of 1, 5, 25, then the rest, each opened by the outcomes before it.

A gate is a stretch of lanes in their order, so that a lane never spans gates. `Replay.plan` holds
    gates      [{until, letters, good, opened_at, passed_at}], laid when the first is sent; the
               last has until = null; good is known once it is passed
    base       what counted in the gate before it was resumed: {good, failed, silent}
    stopped    why the replay paused itself; "" when it did not
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Q

from dlq import states
from dlq.gates import Move, Standing, judge
from dlq.leases import Lease, fenced
from dlq.models import Item, Replay
from dlq.refusals import Refused
from dlq.words import ItemState, LetterState, ReplayState
from kit import audit, clock

DEFAULT = (1, 5, 25)
MOST_GATES = 10
LARGEST = 1_000  # letters in a gate that is not the last: its lanes are named one by one
MOST_FAILED = 5  # per cent of a gate
PATIENCE = timedelta(seconds=10)  # the least: a consumer may be starting again
GOOD = (ItemState.SUCCEEDED, ItemState.SKIPPED, ItemState.HANDLED)
FLYING = (ItemState.SENDING, ItemState.SENT, ItemState.MAYBE_SENT)


def columns(sizes: Sequence[int], most_failed: int) -> dict[str, Any]:
    """The columns of a replay with gates of these sizes before the rest. Raises Refused."""
    if len(sizes) > MOST_GATES:
        raise Refused("No such ramp", f"At most {MOST_GATES} gates come before the rest.")
    if any(not 1 <= size <= LARGEST for size in sizes):
        raise Refused("No such ramp", f"A gate has 1 to {LARGEST:,} letters.")
    if not 0 <= most_failed <= 100:
        raise Refused("No such bound", "Between 0 and 100 per cent of a gate may fail.")
    return {"ramp": list(sizes), "most_failed": most_failed}


def bound(replay: Replay) -> str | None:
    """The last lane that may be sent now; None: all of them."""
    gates = replay.plan.get("gates")
    until: str | None = gates[replay.gate]["until"] if gates else None
    return until


def lay(replay: Replay) -> None:
    """Divide what waits into gates; once, before anything is sent. Within a transaction."""
    waiting = Item.objects.filter(replay=replay, state=ItemState.WAITING)
    lanes = list(
        waiting.order_by("lane").values_list("lane").annotate(n=Count("pk"))[: sum(replay.ramp) + 1]
    )
    gates: list[dict[str, Any]] = []
    left, letters = waiting.count(), 0
    for size in replay.ramp:
        letters, until = 0, ""
        while lanes and letters < size:
            until, count = lanes.pop(0)
            letters += count
        left -= letters
        if left <= 0:
            break
        gates.append(_gate(until, letters))
    gates.append(_gate(None, left if left > 0 else left + letters))
    gates[0]["opened_at"] = clock.rfc3339(clock.now())
    replay.plan |= {"gates": gates, "base": asdict(Standing()), "stopped": ""}
    Replay.objects.filter(pk=replay.pk).update(plan=replay.plan, gate_moved_at=clock.now())


def _gate(until: str | None, letters: int) -> dict[str, Any]:
    return {"until": until, "letters": letters, "good": 0, "opened_at": None, "passed_at": None}


def standing(replay: Replay, number: int) -> Standing:
    """Where a gate stands, with all that ever happened in it."""
    gates = replay.plan["gates"]
    items = Item.objects.filter(replay=replay)
    if gates[number]["until"] is not None:
        items = items.filter(lane__lte=gates[number]["until"])
    if number:
        items = items.filter(lane__gt=gates[number - 1]["until"])
    counts = dict(items.order_by().values_list("state").annotate(n=Count("pk")))
    return Standing(
        waiting=counts.get(ItemState.WAITING, 0),
        flying=sum(counts.get(state, 0) for state in FLYING),
        good=sum(counts.get(state, 0) for state in GOOD),
        failed=counts.get(ItemState.FAILED_AGAIN, 0),
        silent=counts.get(ItemState.NO_RECEIPT, 0),
    )


def turn(lease: Lease, replay: Replay) -> bool:
    """Judge the gate at hand; whether the batch may go on at once. Raises Lost.

    Opens the next gate, or pauses the replay by itself and says why.
    """
    now = clock.now()
    found = standing(replay, replay.gate)
    since = found.less(Standing(**replay.plan["base"]))
    moved_at = _moved_at(replay, found, now)
    move, why = judge(
        since,
        is_last=replay.gate == len(replay.plan["gates"]) - 1,
        most_failed=replay.most_failed,
        quiet=now - moved_at,
        patience=max(PATIENCE, timedelta(seconds=replay.receipt_wait_s)),
    )
    if move is Move.OPEN:
        _open(lease, replay, since, now)
    elif move is Move.PAUSE:
        pause(lease, replay, why)
    return move is Move.OPEN


def _moved_at(replay: Replay, found: Standing, now: datetime) -> datetime:
    """When something was sent or settled last, as far as the turns saw it."""
    progress = found.done * 2 + found.flying  # a send adds one, its outcome another
    if progress == replay.gate_progress and replay.gate_moved_at:
        return replay.gate_moved_at
    Replay.objects.filter(pk=replay.pk).update(gate_progress=progress, gate_moved_at=now)
    return now


def _open(lease: Lease, replay: Replay, passed: Standing, now: datetime) -> None:
    plan, number = replay.plan, replay.gate
    plan["gates"][number] |= {"passed_at": clock.rfc3339(now), "good": passed.good}
    plan["gates"][number + 1]["opened_at"] = clock.rfc3339(now)
    plan["base"] = asdict(Standing())
    with fenced(lease, ReplayState.RUNNING):
        Replay.objects.filter(pk=replay.pk).update(
            plan=plan, gate=number + 1, gate_progress=-1, gate_moved_at=now
        )
        _note(replay, "gate", f"Gate {number + 1} passed, {passed.good} of {passed.done}", "")
    replay.gate = number + 1


def pause(lease: Lease, replay: Replay, why: str) -> None:
    """The replay pauses itself and says why. Raises Lost."""
    with fenced(lease, ReplayState.RUNNING):
        states.move_replay(replay.pk, ReplayState.PAUSED, at=clock.now())
        Replay.objects.filter(pk=replay.pk).update(plan={**replay.plan, "stopped": why})
        _note(replay, "pause", f"Paused itself at gate {replay.gate + 1}", why)


def _note(replay: Replay, verb: str, summary: str, reason: str) -> None:
    audit.record(
        actor="console",
        user=None,
        action=f"replay.{verb}",
        target_kind="replay",
        target_id=replay.pk,
        summary=f"{summary}: {replay.title}",
        reason=reason,
    )


def go_on(replay: Replay, *, again: bool) -> int:
    """What a resumed replay begins with: a clean count; how many are sent once more.

    `again`: those that failed again in this replay wait once more, as their letters are now.
    Within a transaction; the replay's row is locked by the caller.
    """
    count = _again(replay) if again else 0
    if "gates" not in replay.plan:
        return count
    plan = {**replay.plan, "stopped": "", "base": asdict(standing(replay, replay.gate))}
    now = clock.now()
    Replay.objects.filter(pk=replay.pk).update(plan=plan, gate_progress=-1, gate_moved_at=now)
    return count


def _again(replay: Replay) -> int:
    """Members that failed again and whose letter is dead: waiting, with the letter of now."""
    blank = {"attempt": "", "target": "", "sent_stream": "", "sent_position": "", "evidence": ""}
    found = Item.objects.filter(
        Q(letter__state=LetterState.DEAD), replay=replay, state=ItemState.FAILED_AGAIN
    )
    each = {
        pk: {"letter_version": version}
        for pk, version in found.annotate(v=F("letter__version")).values_list("pk", "v")
    }
    return len(
        states.move_items(
            list(each),
            ItemState.WAITING,
            at=clock.now(),
            each=each,
            sent_at=None,
            passed_at=None,
            **blank,
        )
    )
