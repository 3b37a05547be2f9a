"""What a cancelled batch never sent is said to be unsent; its letters were never touched."""

from dlq import classes, states
from dlq.models import Item, Replay
from dlq.words import ItemState
from kit import clock
from kit.writes import writing

SLICE = 500
UNSENT = (ItemState.WAITING, ItemState.HELD)
WHY = "the replay was cancelled before it was sent"


def sweep(replay_id: int) -> int:
    """Close the waiting members of a cancelled batch, and its account; how many it closed.

    By slices of their own: a crash in between leaves the batch due, and the pump sweeps on.
    """
    waiting = Item.objects.filter(replay_id=replay_id, state__in=UNSENT).order_by("pk")
    closed = 0
    while ids := list(waiting.values_list("pk", flat=True)[:SLICE]):
        with writing():
            closed += len(states.move_items(ids, ItemState.UNSENT, at=clock.now(), evidence=WHY))
    with writing():
        Replay.objects.select_for_update().get(pk=replay_id)
        # a worker that held the batch's lease may have let go of a claim meanwhile
        if not waiting.exists():
            classes.note_outcomes(replay_id)
            Replay.objects.filter(pk=replay_id).update(next_step_at=None)
    return closed
