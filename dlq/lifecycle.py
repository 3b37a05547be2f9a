"""What people say of a group: acknowledged, assigned, muted, resolved; and what deaths answer.

Stages change only here. A mute that has run out needs nobody to end it (dlq/stages.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dlq import queries
from dlq.models import Group
from dlq.refusals import Refused
from dlq.words import Stage
from kit import audit, clock
from kit.models import User
from kit.writes import writing

STAGE_FROM: Mapping[Stage, frozenset[Stage]] = {
    Stage.OPEN: frozenset(Stage) - {Stage.OPEN},
    Stage.ACKNOWLEDGED: frozenset({Stage.OPEN, Stage.REGRESSED, Stage.MUTED, Stage.ACKNOWLEDGED}),
    Stage.MUTED: frozenset({Stage.OPEN, Stage.ACKNOWLEDGED, Stage.REGRESSED, Stage.MUTED}),
    Stage.RESOLVED: frozenset(Stage) - {Stage.RESOLVED},
    Stage.REGRESSED: frozenset({Stage.RESOLVED}),
}
NOTHING: Mapping[str, Any] = {
    "muted_until": None,
    "muted_volume": None,
    "resolved_release": "",
    "old_releases": [],
}


@dataclass(frozen=True, slots=True)
class Who:
    """Who says it, for the audit, and why."""

    actor: str
    user: User | None
    reason: str = ""


def acknowledge(group: Group, who: Who) -> Group:
    """Somebody has seen it. Raises Refused."""
    return _move(group, Stage.ACKNOWLEDGED, who, {})


def assign(group: Group, to: User | None, who: Who) -> Group:
    """It is this person's to look after; None: nobody's any more. Raises Refused."""
    if to is not None and not to.is_active:
        raise Refused("Nobody to assign it to", f"{to.username} cannot log in any more.")
    stage = Stage.ACKNOWLEDGED if to else Stage(group.stage)
    words = {"to": to.username if to else ""}
    return _move(group, stage, who, {"assignee": to}, words, verb="assign")


def mute(group: Group, until: datetime | None, volume: int | None, who: Who) -> Group:
    """Out of sight until this time, or until so many more letters. Raises Refused."""
    if until is None and volume is None:
        raise Refused("Until when?", "Name a time, or a number of further letters.")
    if until is not None and until <= clock.now():
        raise Refused("That is over", "A mute ends at a time to come.")
    if volume is not None and volume < 1:
        raise Refused("Until how many?", "A mute ends after one further letter or more.")
    ends = {"muted_until": until, "muted_volume": volume and group.letters + volume}
    words = {"until": clock.rfc3339(until) if until else "", "further_letters": volume or 0}
    return _move(group, Stage.MUTED, who, ends, words)


def resolve(group: Group, release: str, who: Who) -> Group:
    """The cause is mended: now, or by a release; a death that is none of the old is a regression.

    Raises Refused.
    """
    if not who.reason.strip():
        raise Refused("Say what mended it", "The reason is kept in the audit.")
    release = release.strip()[:80]
    old = [name for name in queries.releases(group.pk) if name != release] if release else []
    columns = {"resolved_release": release, "old_releases": old}
    return _move(group, Stage.RESOLVED, who, columns, {"release": release})


def reopen(group: Group, who: Who) -> Group:
    """As if nothing had been said of it. Raises Refused."""
    return _move(group, Stage.OPEN, who, {})


def on_deaths(groups: Mapping[int, Sequence[tuple[datetime, str]]]) -> None:
    """What further deaths (when, in which release) make of their groups.

    In the caller's transaction, after the groups' counts were raised.
    """
    spoken = Group.objects.filter(pk__in=groups, stage__in=(Stage.RESOLVED, Stage.MUTED))
    for group in spoken.select_for_update().order_by("pk"):
        if group.stage == Stage.MUTED:
            if group.muted_volume is not None and group.letters >= group.muted_volume:
                _by_itself(group, Stage.OPEN, "as many letters died as it was muted for")
        elif any(_is_regression(group, at, release) for at, release in groups[group.pk]):
            _by_itself(group, Stage.REGRESSED, "a letter died of it again")


def _is_regression(group: Group, died_at: datetime, release: str) -> bool:
    """Stragglers of before, and of the releases it is known to be broken in, are none."""
    if group.stage_at is None or died_at <= group.stage_at:
        return False
    return not (group.resolved_release and release in group.old_releases)


def _move(
    group: Group,
    to: Stage,
    who: Who,
    columns: Mapping[str, Any],
    changes: Mapping[str, Any] | None = None,
    *,
    verb: str = "",
) -> Group:
    now = clock.now()
    with writing():
        locked = Group.objects.select_for_update().get(pk=group.pk)
        same = to == locked.stage and verb == "assign"
        if not same and Stage(locked.stage) not in STAGE_FROM[to]:
            raise Refused(f"The group is {locked.stage}", f"It cannot be {to.value} now.")
        stage = {} if same else {**NOTHING, "stage": to.value, "stage_at": now}
        Group.objects.filter(pk=group.pk).update(
            **{**stage, "stage_by": who.actor[:150], **columns}
        )
        _note(locked, verb or to.value, who.actor, who.user, who.reason, dict(changes or {}))
    group.refresh_from_db()
    return group


def _by_itself(group: Group, to: Stage, why: str) -> None:
    stage = {**NOTHING, "stage": to.value, "stage_at": clock.now(), "stage_by": "console"}
    Group.objects.filter(pk=group.pk).update(**stage)
    _note(group, to.value, "console", None, why, {})


def _note(
    group: Group, verb: str, actor: str, user: User | None, reason: str, changes: dict[str, Any]
) -> None:
    audit.record(
        actor=actor,
        user=user,
        action=f"group.{verb}",
        target_kind="group",
        target_id=group.pk,
        summary=f"{verb.capitalize()}: {group}",
        reason=reason.strip(),
        changes=changes,
    )
