"""Filters of groups and of letters: the same object gives list, count and bulk membership."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from django.db.models import Q, QuerySet

from dlq.conditions import condition
from dlq.models import Group, Letter
from dlq.search import SearchError, terms
from dlq.stages import heard
from dlq.words import OPEN_LETTERS, LetterState
from kit import clock
from kit.filters import Filter

OPEN, MUTED, SETTLED, ALL = "open", "muted", "settled", "all"


@dataclass(frozen=True)
class GroupFilter(Filter):
    """Groups of dead letters; without anything set, those with open letters that are not muted."""

    q: str = ""
    consumer: str = ""
    state: str = OPEN  # open, muted, settled, all
    stage: str = ""  # one Stage
    assignee: str = ""  # a person's name

    def apply(self, groups: "QuerySet[Group]") -> "QuerySet[Group]":
        """The groups that match."""
        if self.consumer:
            groups = groups.filter(consumer=self.consumer)
        if self.state == OPEN:
            groups = groups.filter(heard(clock.now()), open_letters__gt=0)
        elif self.state == MUTED:
            groups = groups.exclude(heard(clock.now()))
        elif self.state == SETTLED:
            groups = groups.filter(open_letters=0)
        if self.stage:
            groups = groups.filter(stage=self.stage)
        if self.assignee:
            groups = groups.filter(assignee__username=self.assignee)
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

    q: str = ""  # words, fields, JSON pointers (dlq/search.py)
    group: str = ""  # its number
    consumer: str = ""
    state: str = OPEN  # open, settled, all, or one LetterState
    since: datetime | None = None  # died at or after
    until: datetime | None = None  # died before
    upto: str = ""  # the newest letter's number when the page was drawn: later ones stay out

    def of_group(self, group_id: int) -> Self:
        """This filter, within one group."""
        return replace(self, group=str(group_id))

    def seen(self, newest: int) -> Self:
        """This filter, for what was there when the page was drawn."""
        return replace(self, upto=str(newest))

    def apply(self, letters: "QuerySet[Letter]") -> "QuerySet[Letter]":
        """The letters that match."""
        if self.group:
            letters = letters.filter(group_id=_number(self.group))
        if self.upto:
            letters = letters.filter(pk__lte=_number(self.upto))
        if self.consumer:
            letters = letters.filter(consumer=self.consumer)
        letters = letters.filter(self._state())
        if self.since:
            letters = letters.filter(died_at__gte=self.since)
        if self.until:
            letters = letters.filter(died_at__lt=self.until)
        if not self.q:
            return letters
        try:
            return letters.filter(condition(terms(self.q), clock.now()))
        except SearchError:
            return letters.none()  # words that mean nothing match nothing: never everything

    @property
    def trouble(self) -> str:
        """What is wrong with the words, or ""."""
        try:
            terms(self.q)
        except SearchError as error:
            return str(error)
        return ""

    def _state(self) -> Q:
        """Both ways to say it: a group's letters are indexed by state, all by settlement."""
        if self.state == ALL:
            return Q()
        if self.state in set(LetterState):
            return Q(state=self.state, settled_at__isnull=self.state in OPEN_LETTERS)
        is_open = self.state != SETTLED
        states = [state for state in LetterState if (state in OPEN_LETTERS) == is_open]
        return Q(state__in=states, settled_at__isnull=is_open)


def _number(text: str) -> int:
    """The number of a row; what is none matches no row."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else -1
