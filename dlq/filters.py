"""Filters of groups and of letters: the same object gives list, count and bulk membership."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from django.db.models import Q, QuerySet

from dlq.models import Group, Letter
from dlq.words import OPEN_LETTERS, LetterState
from kit.filters import Filter

OPEN, SETTLED, ALL = "open", "settled", "all"


@dataclass(frozen=True)
class GroupFilter(Filter):
    """Groups of dead letters; without anything set, those with open letters."""

    q: str = ""
    consumer: str = ""
    state: str = OPEN  # open, settled, all

    def apply(self, groups: "QuerySet[Group]") -> "QuerySet[Group]":
        """The groups that match."""
        if self.consumer:
            groups = groups.filter(consumer=self.consumer)
        if self.state == OPEN:
            groups = groups.filter(open_letters__gt=0)
        elif self.state == SETTLED:
            groups = groups.filter(open_letters=0)
        if self.q:
            groups = groups.filter(
                Q(error_type__icontains=self.q)
                | Q(message__icontains=self.q)
                | Q(frame__icontains=self.q)
                | Q(consumer__icontains=self.q)
            )
        return groups


@dataclass(frozen=True)
class LetterFilter(Filter):
    """Dead letters; without anything set, the open ones of all groups."""

    q: str = ""
    group: str = ""  # its number
    consumer: str = ""
    state: str = OPEN  # open, settled, all, or one LetterState
    since: datetime | None = None  # died at or after
    until: datetime | None = None  # died before

    @classmethod
    def of_group(cls, group_id: int, given: Self) -> Self:
        """The given filter, within one group."""
        return cls(
            q=given.q,
            group=str(group_id),
            consumer=given.consumer,
            state=given.state,
            since=given.since,
            until=given.until,
        )

    def apply(self, letters: "QuerySet[Letter]") -> "QuerySet[Letter]":
        """The letters that match."""
        if self.group:
            # a group that is no number has no letters
            number = int(self.group) if self.group.isascii() and self.group.isdigit() else -1
            letters = letters.filter(group_id=number)
        if self.consumer:
            letters = letters.filter(consumer=self.consumer)
        letters = letters.filter(state__in=self._states())
        if self.since:
            letters = letters.filter(died_at__gte=self.since)
        if self.until:
            letters = letters.filter(died_at__lt=self.until)
        return letters.filter(self._text()) if self.q else letters

    def _states(self) -> list[str]:
        if self.state in set(LetterState):
            return [self.state]
        if self.state == ALL:
            return [state.value for state in LetterState]
        is_open = self.state != SETTLED
        return [state.value for state in LetterState if (state in OPEN_LETTERS) == is_open]

    def _text(self) -> Q:
        return (
            Q(label__icontains=self.q)
            | Q(event_id__icontains=self.q)
            | Q(flow_id=self.q)
            | Q(error_message__icontains=self.q)
            | Q(type__icontains=self.q)
        )
