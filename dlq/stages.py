"""Where a group stands now: a mute that has run out is over without anybody ending it."""

from datetime import datetime

from django.db.models import Q

from dlq.models import Group
from dlq.words import Stage


def heard(now: datetime) -> Q:
    """Groups that are not muted now."""
    return ~Q(stage=Stage.MUTED) | Q(muted_until__isnull=False, muted_until__lte=now)


def stage_now(group: Group, now: datetime) -> Stage:
    """Where it stands, with a mute that has run out taken for what it is."""
    over = group.muted_until is not None and group.muted_until <= now
    return Stage.OPEN if group.stage == Stage.MUTED and over else Stage(group.stage)
