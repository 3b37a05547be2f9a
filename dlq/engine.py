"""The pump: running batches are worked on by slices of at most about a second (DESIGN, order).

A batch is a row: a worker takes its lease, does slices until its time is over, and gives the
lease back. Whoever comes next goes on from the rows.
"""

import logging
import time
from datetime import timedelta

from django.db.models import Q

from brokers.contract import BrokerError
from dlq import classes, leases, ramp, recovery, sending, states, sweeping
from dlq.lanes import heads, is_drained, waits_for_a_word
from dlq.leases import Lease, Lost
from dlq.models import Replay
from dlq.plan import is_classified
from dlq.refusals import Refused
from dlq.targets import Routes
from dlq.words import OVER, ReplayState
from kit import audit, clock
from kit.writes import writing

log = logging.getLogger(__name__)
SLICE = 500  # members sent in one round trip and recorded in one transaction
AWAY = timedelta(seconds=2)  # until a broker that was away is tried again
SECOND = timedelta(seconds=1)
# A plan is classified, a cancelled batch is swept.
AT_WORK = (ReplayState.PLANNED, ReplayState.RUNNING, ReplayState.CANCELLED)


def pump(seconds: float = 1.0) -> int:
    """Work on what is due for about this long; how many members moved on."""
    until = time.monotonic() + seconds
    done = 0
    for replay_id in due():
        if time.monotonic() >= until:
            break
        lease = leases.take(replay_id)
        if lease is None:
            continue
        try:
            done += _work(lease, until)
        except Lost:
            log.info("replay %s: another worker or an operator has it", replay_id)
        except (BrokerError, Refused) as error:
            log.warning("replay %s waits: %s", replay_id, error)
            _later(replay_id, AWAY)
        except Exception:
            # behind the others: a batch that cannot go on keeps no other from it
            log.exception("replay %s waits", replay_id)
            _later(replay_id, AWAY)
        finally:
            leases.give_back(lease)
    return done


def due() -> list[int]:
    """Batches with something to do now: what a crash left first, then the longest waiting."""
    now = clock.now()
    rows = (
        Replay.objects.filter(state__in=AT_WORK, next_step_at__lte=now)
        .filter(Q(lease_until=None) | Q(lease_until__lt=now))
        .order_by("next_step_at", "pk")
    )
    return list(dict.fromkeys([*recovery.left_claimed(), *rows.values_list("pk", flat=True)[:50]]))


def _work(lease: Lease, until: float) -> int:
    replay = Replay.objects.get(pk=lease.replay_id)
    done = recovery.recover(lease, replay)
    if replay.state == ReplayState.CANCELLED:
        return done + sweeping.sweep(replay.pk)
    while not is_classified(replay) and replay.state in (ReplayState.PLANNED, ReplayState.RUNNING):
        if time.monotonic() >= until:
            return done
        classes.classify(replay.pk)
        replay.refresh_from_db()
    if replay.state != ReplayState.RUNNING:
        return done
    if "gates" not in replay.plan:
        _lay(lease, replay)
    after, routes = "", Routes()
    while time.monotonic() < until:
        sent, after = step(lease, replay, routes, after)
        done += sent
        if not sent or replay.rate_per_s:
            break
    _turn(lease, replay)
    return done


def step(lease: Lease, replay: Replay, known: Routes, after: str = "") -> tuple[int, str]:
    """One slice of sends: how many members it moved, and the lane to go on behind.

    Raises Lost, BrokerError, Refused.
    """
    size = min(SLICE, replay.rate_per_s or SLICE)
    found = heads(replay.pk, after, size, ramp.bound(replay))
    if not found:
        return 0, ""
    members = sending.load([item for _, item in found], replay.plan["token"])
    routes = sending.routes_of(members, known)
    ready = sending.claim(lease, members, routes)
    outcomes = sending.transmit(ready, routes, accept_others=replay.accept_others)
    if sending.record(lease, outcomes):
        _wait_for_acceptance(replay)
        raise Lost(f"replay {replay.pk} waits for acceptance")
    return len(found), found[-1][0]


def _lay(lease: Lease, replay: Replay) -> None:
    with leases.fenced(lease, ReplayState.RUNNING):
        ramp.lay(replay)


def _turn(lease: Lease, replay: Replay) -> None:
    """End the batch when nothing is left, else see to its gate and say when it goes on."""
    if is_drained(replay.pk):
        finish(replay.pk)
        return
    if waits_for_a_word(replay.pk):
        ramp.pause(lease, replay, "what is left waits for your word")
        return
    opened = ramp.turn(lease, replay)
    _later(replay.pk, SECOND if replay.rate_per_s and not opened else timedelta(0))


def finish(replay_id: int) -> None:
    """End a batch of which every member is settled; of one that is over, renew the account."""
    with writing():
        replay = Replay.objects.select_for_update().get(pk=replay_id)
        if replay.state in OVER:
            classes.note_outcomes(replay_id)
        elif is_drained(replay_id) and states.move_replay(
            replay_id, ReplayState.DONE, at=clock.now()
        ):
            audit.record(
                actor="console",
                user=None,
                action="replay.done",
                target_kind="replay",
                target_id=replay_id,
                summary=f"Every member has its outcome: {replay.title}",
                changes={"outcomes": classes.note_outcomes(replay_id)},
            )


def _later(replay_id: int, delay: timedelta) -> None:
    with writing():
        Replay.objects.filter(pk=replay_id).update(next_step_at=clock.now() + delay)


def _wait_for_acceptance(replay: Replay) -> None:
    """Pause until a person accepts that other consumers see it (promise 6)."""
    with writing():
        if not states.move_replay(replay.pk, ReplayState.PAUSED, at=clock.now()):
            # cancelled meanwhile: what was let go of is swept
            Replay.objects.filter(pk=replay.pk).update(next_step_at=clock.now())
            return
        plan = {**replay.plan, "needs_acceptance": True}
        Replay.objects.filter(pk=replay.pk).update(plan=plan)
        audit.record(
            actor="console",
            user=None,
            action="replay.pause",
            target_kind="replay",
            target_id=replay.pk,
            summary=f"Paused: {replay.title}",
            reason=sending.ACCEPT,
        )
