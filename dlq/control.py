"""What an operator does to a replay: start, pause, resume, cancel, choose; each in the audit."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from dlq import classes, ramp, states, sweeping
from dlq.choices import needs_release
from dlq.models import Replay
from dlq.refusals import Refused
from dlq.targets import allowed
from dlq.words import Choice, Fate, ReplayState
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
    choices: Mapping[str, str] | None = None,
    may_release: bool = False,
) -> Replay:
    """Set a planned replay going; what is sent first waits for the classification.

    Raises Refused: not planned any more, no reason given now or at the plan, other consumers
    not accepted, quarantined letters without the right to release them, a broker that may not be
    written to.
    """
    why = reason.strip() or replay.reason
    if not why:
        raise Refused("Say why", "The reason is kept in the audit.")
    allowed(row["broker"] for row in replay.plan["receivers"])
    _check_acceptance(replay, accept_others)
    chosen: dict[str, str] = Replay.objects.values_list("choices", flat=True).get(pk=replay.pk)
    check_release({**chosen, **(choices or {})}, may_release)
    classes.choose(replay.pk, choices or {})
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


def check_release(choices: Mapping[str, str], may_release: bool) -> None:
    """Raises Refused when quarantined letters are chosen by somebody who may not release them."""
    if needs_release(choices) and not may_release:
        raise Refused(
            "These letters are quarantined",
            "Earlier replays did not mend them: only an admin may send them again.",
        )


def choose(
    replay: Replay,
    fate: Fate,
    choice: Choice,
    *,
    actor: str,
    user: User | None,
    may_release: bool = False,
) -> None:
    """Say what becomes of a class of members.

    Raises Refused: it is no plan any more, there is nothing to choose, or no right to.
    """
    if not classes.may_choose(fate):
        raise Refused("There is nothing to choose", "Letters of this class cannot be sent.")
    check_release({fate: choice}, may_release)
    with writing():
        locked = Replay.objects.select_for_update().get(pk=replay.pk)
        if locked.state != ReplayState.PLANNED:
            raise Refused("The replay was started", "Its plan cannot change any more.")
        _note(replay, "choose", actor, user, "", {"class": fate.value, "choice": choice.value})
    classes.choose(replay.pk, {fate: choice})


def decide(
    replay: Replay,
    fate: Fate,
    *,
    send: bool,
    actor: str,
    user: User | None,
    reason: str = "",
    may_release: bool = False,
) -> Replay:
    """Let the held members of a class go, or stay; a replay that waited for it goes on.

    Raises Refused: it is over, nothing is held, or no right to release.
    """
    if send:
        check_release({fate: Choice.SEND}, may_release)
    with writing():
        locked = Replay.objects.select_for_update().get(pk=replay.pk)
        if locked.state not in (ReplayState.RUNNING, ReplayState.PAUSED):
            raise Refused("The replay is not under way", "There is nothing to decide.")
        _note(replay, "decide", actor, user, reason, {"class": fate.value, "send": send})
    if not classes.decide(replay.pk, fate, send=send):
        raise Refused("Nothing is held", "No letter of this class waits for a word.")
    replay.refresh_from_db()
    if replay.state == ReplayState.PAUSED and not classes.held(replay.pk):
        return resume(replay, actor=actor, user=user, reason=reason)
    return replay


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
