"""The filter of flows: the same object for the list, its count, the API and the terminal."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from kit import clock
from kit.filters import Filter
from tracing.aliases import leads_to
from tracing.models import (
    Event,
    Flow,
    FlowAlias,
    FlowConsumer,
    FlowError,
    FlowKey,
    FlowMark,
    FlowType,
)
from tracing.sealing import meant, stored
from tracing.search.words import Question, Term, parse

FEW = 1_000  # flows that are named one by one; beyond, each flow of the list is probed
SPANS = {  # value of `last` -> words, length
    "15m": ("15 min", timedelta(minutes=15)),
    "1h": ("1 h", timedelta(hours=1)),
    "24h": ("24 h", timedelta(days=1)),
    "7d": ("7 days", timedelta(days=7)),
}
PREFIX_MIN = 4  # characters of a correlation ID that are worth a search

Marks = QuerySet[FlowMark]


@dataclass(frozen=True)
class FlowFilter(Filter):
    """Which flows. `q`: an order number, a key, a correlation, trace or event ID.

    `error`: words of an error's type and message; `text`: words of a payload; both as
    tracing/search/words.py reads them. `last` is one of SPANS: those that started within it, as
    time goes on.
    """

    q: str = ""
    key: str = ""
    status: str = ""
    type: str = ""
    consumer: str = ""
    error: str = ""
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None
    last: str = ""

    @property
    def asked(self) -> Question:
        """What is looked for in payloads."""
        return parse(self.text) if self.text else Question()

    @property
    def problems(self) -> dict[str, str]:
        """Field -> why nothing can be looked for, and what to do."""
        read = {"error": parse(self.error) if self.error else Question(), "text": self.asked}
        return {name: question.problem for name, question in read.items() if question.problem}

    @property
    def started(self) -> dict[str, datetime]:
        """When its flows started, as look-ups of `started_at`."""
        since = [self.since] if self.since else []
        if self.last in SPANS:
            since.append(clock.now() - SPANS[self.last][1])
        found = {"started_at__gte": max(since)} if since else {}
        return found | ({"started_at__lt": self.until} if self.until else {})

    def marks(self) -> "Sequence[Marks]":
        """Rows in the list's order, each of one name that a flow must have."""
        found: list[Any] = [
            FlowError.objects.filter(word=word) for term in self._errors() for word in term.exact
        ]
        if self.consumer:
            found.append(FlowConsumer.objects.filter(consumer=self.consumer))
        if self.type:
            found.append(FlowType.objects.filter(type=self.type))
        return [rows.filter(**self.started) for rows in found]

    def named(self) -> "Sequence[QuerySet[Any]]":
        """Rows in no order that name the flows which are meant."""
        found: list[QuerySet[Any]] = [_begun(t.words[-1]) for t in self._errors() if t.prefix]
        if self.key:
            found.append(FlowKey.objects.filter(key=stored(self.key)))
        if self.q:
            found.append(Flow.objects.filter(_named(self.q)))
        return found

    def unwanted(self) -> "Sequence[Marks]":
        """The rows that each name what a flow must not have."""
        found: list[Any] = []
        for term in self._errors(negated=True):
            found += [FlowError.objects.filter(word=word) for word in term.exact]
            found += [_begun(term.words[-1])] if term.prefix else []
        return found

    def _errors(self, *, negated: bool = False) -> Iterator[Term]:
        return (term for term in parse(self.error).terms if term.negated is negated)


def probe(named: "QuerySet[Any]") -> Exists:
    """Whether the flow at hand is among those named."""
    return Exists(named.filter(flow_id=OuterRef("flow_id")))


def _begun(word: str) -> "QuerySet[FlowError]":
    """The rows of the words of errors that begin so."""
    return FlowError.objects.filter(_begins("word", word))


def _named(text: str) -> Q:
    """Flows with this key, with a correlation ID or alias that begins so, or with this event."""
    keys = FlowKey.objects.filter(key__in=meant(text)).values("flow_id")[:FEW]
    events = Event.objects.filter(event_id=text).values("flow_id")[:FEW]
    found = set(keys.values_list("flow_id", flat=True))
    found.update(events.values_list("flow_id", flat=True))
    names = FlowAlias.objects.filter(_named_so("alias", text)).order_by("alias")
    found.update(names.values_list("flow_id", flat=True)[:FEW])
    lead = leads_to(found)
    return Q(flow_id__in=sorted({lead.get(i, i) for i in found})) | _named_so("flow_id", text)


def _named_so(field: str, text: str) -> Q:
    """An ID that is this, or begins so where that is worth a search."""
    return _begins(field, text) if len(text) >= PREFIX_MIN else Q(**{field: text})


def _begins(field: str, text: str) -> Q:
    """What begins so, by its index on both databases."""
    if connection.vendor == "sqlite":  # its LIKE ignores case and so finds no index
        return Q(**{f"{field}__gte": text, f"{field}__lt": f"{text}\U0010ffff"})
    return Q(**{f"{field}__startswith": text})
