"""What an operator does to a replay: start, pause, resume, cancel, choose; each in the audit."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from dlq import classes, ramp, states, sweeping
from dlq.models import Replay
from dlq.refusals import Refused
from dlq.targets import allowed
from dlq.words import ReplayState
from kit import audit, clock
from kit.models import User
from kit.writes import writing

ACCEPT_TITLE = "Other consumers would see it too"


def start(
    replay: Replay,
    *,
    actor: str,
    user: User | None,
    reason: str = "",
    accept_others: bool = False,
    include_superseded: bool | None = None,
) -> Replay:
    """Set a planned replay going; what is sent first waits for the classification.

    Raises Refused: not planned any more, no reason given now or at the plan, other consumers
    not accepted, a broker that may not be written to.
    """
    why = reason.strip() or replay.reason
    if not why:
        raise Refused("Say why", "The reason is kept in the audit.")
    allowed(row["broker"] for row in replay.plan["receivers"])
    _check_acceptance(replay, accept_others)
    chosen = replay.include_superseded if include_superseded is None else include_superseded
    classes.include(replay.pk, chosen)
    return _move(
        replay,
        ReplayState.RUNNING,
        "start",
        actor=actor,
        user=user,
        reason=why,
        columns={"reason": why, "accept_others": accept_others or replay.accept_others},
        changes={"members_hash": replay.members_hash, "accept_others": accept_others},
        before=ReplayState.PLANNED,
    )


def pause(replay: Replay, *, actor: str, user: User | None, reason: str = "") -> Replay:
    """Send nothing more for now; outcomes of what was sent still come in. Raises Refused."""
    return _move(replay, ReplayState.PAUSED, "pause", actor=actor, user=user, reason=reason)


def resume(
    replay: Replay,
    *,
    actor: str,
    user: User | None,
    reason: str = "",
    accept_others: bool = False,
    again: bool = False,
) -> Replay:
    """Go on; with `again` also with what failed again in this replay, once more.

    Raises Refused, also while it waits for the acceptance of other consumers.
    """
    _check_acceptance(replay, accept_others)
    return _move(
        replay,
        ReplayState.RUNNING,
        "resume",
        actor=actor,
        user=user,
        reason=reason,
        columns={"accept_others": accept_others or replay.accept_others},
        before=ReplayState.PAUSED,
        also=lambda locked: {"again": ramp.go_on(locked, again=again)},
    )


def cancel(replay: Replay, *, actor: str, user: User | None, reason: str = "") -> Replay:
    """Send nothing more, ever: what waits is unsent, what was sent keeps its outcome to come.

    What a crash here leaves waiting is swept by the pump. Raises Refused when it is over already.
    """
    _move(replay, ReplayState.CANCELLED, "cancel", actor=actor, user=user, reason=reason)
    sweeping.sweep(replay.pk)
    replay.refresh_from_db()
    return replay


def choose(replay: Replay, *, send_superseded: bool, actor: str, user: User | None) -> None:
    """Say whether superseded members are sent too. Raises Refused when it is no plan any more."""
    with writing():
        locked = Replay.objects.select_for_update().get(pk=replay.pk)
        if locked.state != ReplayState.PLANNED:
            raise Refused("The replay was started", "Its plan cannot change any more.")
        _note(replay, "choose", actor, user, "", {"send_superseded": send_superseded})
    classes.include(replay.pk, send_superseded)


def set_ramp(
    replay: Replay, sizes: Sequence[int], most_failed: int, *, actor: str, user: User | None
) -> Replay:
    """Gates of these sizes before the rest, and the per cent of a gate that may fail.

    Raises Refused: it is no plan any more, or no such ramp.
    """
    columns = ramp.columns(sizes, most_failed)
    with writing():
        locked = Replay.objects.select_for_update().get(pk=replay.pk)
        if locked.state != ReplayState.PLANNED:
            raise Refused("The replay was started", "Its ramp cannot change any more.")
        Replay.objects.filter(pk=replay.pk).update(**columns)
        _note(replay, "ramp", actor, user, "", columns)
    replay.refresh_from_db()
    return replay


def set_rate(replay: Replay, per_second: int, *, actor: str, user: User | None) -> Replay:
    """At most this many sends a second from now on; 0 is as fast as it goes."""
    with writing():
        Replay.objects.filter(pk=replay.pk).update(rate_per_s=per_second)
        _note(replay, "rate", actor, user, "", {"rate_per_s": per_second})
    replay.refresh_from_db()
    return replay


def _check_acceptance(replay: Replay, accept_others: bool) -> None:
    if not replay.plan["needs_acceptance"] or replay.accept_others or accept_others:
        return
    others = sorted({name for row in replay.plan["receivers"] for name in row["others"]})
    names = ", ".join(others) or "other consumers of the topic"
    raise Refused(
        ACCEPT_TITLE,
        f"At least these consumers will also see it: {names}. Accept that (accept_others) first.",
    )


def _move(
    replay: Replay,
    to: ReplayState,
    verb: str,
    *,
    actor: str,
    user: User | None,
    reason: str,
    columns: dict[str, Any] | None = None,
    changes: dict[str, Any] | None = None,
    before: ReplayState | None = None,
    also: Callable[[Replay], dict[str, Any]] = lambda _: {},
) -> Replay:
    """One conditional move with its audit entry; raises Refused when it is not allowed now.

    `also` does what goes with it, and says what the audit is to hold of that.
    """
    now: datetime = clock.now()
    with writing():
        locked = Replay.objects.select_for_update().get(pk=replay.pk)
        is_wrong = before is not None and locked.state != before
        if is_wrong or not states.move_replay(replay.pk, to, at=now):
            word = ReplayState(locked.state).value
            raise Refused(f"The replay is {word}", f"It cannot {verb} any more.")
        if columns:
            Replay.objects.filter(pk=replay.pk).update(**columns)
        _note(replay, verb, actor, user, reason, {**(changes or {}), **also(locked)})
    replay.refresh_from_db()
    return replay


def _note(
    replay: Replay,
    verb: str,
    actor: str,
    user: User | None,
    reason: str,
    changes: dict[str, Any] | None,
) -> None:
    audit.record(
        actor=actor,
        user=user,
        action=f"replay.{verb}",
        target_kind="replay",
        target_id=replay.pk,
        summary=f"{verb.capitalize()}: {replay.title}",
        reason=reason,
        changes=changes,
    )
