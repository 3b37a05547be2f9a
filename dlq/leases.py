"""The lease on a batch: one worker at a time, and one that was too slow writes nothing more."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import F, Q

from dlq.models import Replay
from dlq.words import ReplayState
from kit import clock
from kit.writes import writing

LEASE = timedelta(seconds=30)  # longer than a slice with a broker that times out


class Lost(Exception):
    """Another worker has the batch, or it is not in the state the work needs."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write the items of one batch, as long as nobody took a newer one."""

    replay_id: int
    fence: int


def take(replay_id: int) -> Lease | None:
    """A lease, or None while another worker has one."""
    now = clock.now()
    with writing():
        free = Replay.objects.filter(pk=replay_id).filter(
            Q(lease_until=None) | Q(lease_until__lt=now)
        )
        if not free.update(lease_until=now + LEASE, fence=F("fence") + 1):
            return None
        return Lease(replay_id, Replay.objects.values_list("fence", flat=True).get(pk=replay_id))


@contextmanager
def fenced(lease: Lease, *states: ReplayState) -> Iterator[None]:
    """A write transaction of the lease's holder, which is extended; raises Lost otherwise.

    With `states`, only while the batch is in one of them: a pause or a cancellation waits for
    the transaction, or is seen by it.
    """
    with writing():
        held = Replay.objects.filter(pk=lease.replay_id, fence=lease.fence)
        if states:
            held = held.filter(state__in=states)
        if not held.update(lease_until=clock.now() + LEASE):
            raise Lost(f"replay {lease.replay_id}")
        yield


def give_back(lease: Lease) -> None:
    """Let the next worker in; nothing happens when it was taken over."""
    with writing():
        Replay.objects.filter(pk=lease.replay_id, fence=lease.fence).update(lease_until=None)
