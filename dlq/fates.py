"""Which class each member of a plan is in, and why, looked up in bulk for many members."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db.models import Count

from brokers import config as configuration
from brokers.redis_wire import milliseconds
from dlq.models import Item
from dlq.words import Fate, ItemState
from kit import clock, formats
from tracing.envelope.attributes import rfc3339
from tracing.queries import newer_handled, succeeded_with

COLUMNS = (
    *("pk", "state", "letter_id", "letter__lane", "letter__event_identity", "letter__consumer"),
    *("letter__stream", "letter__position", "letter__first_died_at", "letter__source"),
    *("letter__headers__ce-expirytime", "letter__group_id"),
)
Found = Mapping[int, tuple[Fate, str]]  # member -> its class and why; READY is left out


class Member(NamedTuple):
    """One member with what its class needs."""

    pk: int
    state: str
    letter: int
    lane: str  # its partition key, or ""
    identity: bytes
    consumer: str
    stream: str
    position: str
    first_died_at: datetime
    source: str  # "" for a malformed message
    expires: str | None  # CloudEvents' expirytime
    group: int

    @property
    def delivery(self) -> tuple[bytes, str]:
        """Which event, by which consumer."""
        return bytes(self.identity), self.consumer


def fates(members: Sequence[Member], replay_id: int, now: datetime) -> Found:
    """The classes of these members but for those that are ready; the gravest counts."""
    found: dict[int, tuple[Fate, str]] = {}
    for step in (_expired, _superseded, _succeeded, _nowhere):
        found |= step(members, now)
    often = _often(members, replay_id, now)
    kept = {pk for pk, (fate, _) in found.items() if fate is Fate.NOWHERE}
    return found | {pk: said for pk, said in often.items() if pk not in kept}


def _expired(members: Sequence[Member], now: datetime) -> Found:
    ends = {member.pk: _time(member.expires) for member in members if member.expires}
    return {
        pk: (Fate.EXPIRED, f"it was good until {clock.rfc3339(end)}")
        for pk, end in ends.items()
        if end is not None and end <= now
    }


def _time(text: str | None) -> datetime | None:
    try:
        return rfc3339(text or "")
    except ValueError:
        return None


def _superseded(members: Sequence[Member], _: datetime) -> Found:
    newer = newer_handled(
        [
            (m.lane, bytes(m.identity), published_at(m.position, m.first_died_at), m.consumer)
            for m in members
            if m.lane
        ]
    )
    return {
        member.pk: (Fate.SUPERSEDED, newer[member.delivery])
        for member in members
        if member.delivery in newer
    }


def _succeeded(members: Sequence[Member], _: datetime) -> Found:
    """A malformed message has no identity of its own that a receipt could speak of."""
    done = succeeded_with([member.delivery for member in members if member.source])
    return {
        member.pk: (
            Fate.SUCCEEDED,
            f"{member.consumer} succeeded with it at {clock.rfc3339(done[member.delivery])}",
        )
        for member in members
        if member.source and member.delivery in done
    }


def _nowhere(members: Sequence[Member], _: datetime) -> Found:
    answer: dict[int, tuple[Fate, str]] = {}
    config = configuration.current()
    for member in members:
        if not member.consumer:
            answer[member.pk] = (Fate.NOWHERE, "it does not say which consumer gave it up")
        elif not member.stream and not config.consumer(member.consumer).retry_stream:
            answer[member.pk] = (Fate.NOWHERE, "it does not say where it was delivered from")
    return answer


def _often(members: Sequence[Member], replay_id: int, now: datetime) -> Found:
    """Letters and groups that replays did not mend: the next one is not likely to be better."""
    caps = configuration.current().replays
    groups = _failing_groups({member.group for member in members}, caps.most_of_group, now)
    letters = _sent_often([member.letter for member in members], caps.most_of_letter, replay_id)
    found: dict[int, tuple[Fate, str]] = {}
    for member in members:
        if member.letter in letters:
            times = formats.plural(letters[member.letter], "replay")
            found[member.pk] = (Fate.OFTEN, f"{times} did not mend it")
        elif member.group in groups:
            times = formats.plural(groups[member.group], "replay")
            found[member.pk] = (Fate.OFTEN, f"{times} of its group failed within a day")
    return found


def _failing_groups(groups: set[int], most: int, now: datetime) -> dict[int, int]:
    failed = (
        Item.objects.filter(letter__group_id__in=groups, state=ItemState.FAILED_AGAIN)
        .filter(settled_at__gte=now - timedelta(days=1))
        .order_by()
        .values_list("letter__group_id")
        .annotate(n=Count("replay_id", distinct=True))
        .filter(n__gte=most)
    )
    return dict(failed)


def _sent_often(letters: Sequence[int], most: int, replay_id: int) -> dict[int, int]:
    sent = (
        Item.objects.filter(letter_id__in=letters)
        .exclude(sent_at=None)
        .exclude(replay_id=replay_id)
        .order_by()
        .values_list("letter_id")
        .annotate(n=Count("pk"))
        .filter(n__gte=most)
    )
    return dict(sent)


def published_at(position: str, died_at: datetime) -> datetime:
    """When a message was published: its position says, else its death is the nearest known."""
    try:
        return datetime.fromtimestamp(milliseconds(position) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return died_at
