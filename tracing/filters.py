"""The filter of flows: the same object gives the list, its count and the API's answer."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from kit import clock
from kit.filters import Filter
from tracing.models import Event, Flow, FlowKey, FlowType
from tracing.sealing import meant, stored

FEW = 1_000  # flows that are named one by one; beyond, each flow of the list is probed
SPANS = {  # value of `last` -> words, length
    "15m": ("15 min", timedelta(minutes=15)),
    "1h": ("1 h", timedelta(hours=1)),
    "24h": ("24 h", timedelta(days=1)),
    "7d": ("7 days", timedelta(days=7)),
}
PREFIX_MIN = 4  # characters of a correlation ID that are worth a search


@dataclass(frozen=True)
class FlowFilter(Filter):
    """Which flows. `q`: an order number, a key, a correlation, trace or event ID.

    `last` is one of SPANS: those that started within it, as time goes on.
    """

    q: str = ""
    key: str = ""
    status: str = ""
    type: str = ""
    since: datetime | None = None
    until: datetime | None = None
    last: str = ""

    def apply(self, rows: "QuerySet[Flow]") -> "QuerySet[Flow]":
        """The flows this filter means, in no particular order."""
        if self.status:
            rows = rows.filter(status=self.status)
        if self.since:
            rows = rows.filter(started_at__gte=self.since)
        if self.last in SPANS:
            rows = rows.filter(started_at__gte=clock.now() - SPANS[self.last][1])
        if self.until:
            rows = rows.filter(started_at__lt=self.until)
        if self.key:
            rows = _among(rows, FlowKey.objects.filter(key=stored(self.key)))
        if self.type:
            rows = _among(rows, FlowType.objects.filter(type=self.type))
        return rows.filter(_named(self.q)) if self.q else rows


def _among(
    rows: "QuerySet[Flow]", named: "QuerySet[FlowKey] | QuerySet[FlowType]"
) -> "QuerySet[Flow]":
    """The rows that are named. Few names lead to their rows; with many, rows ask for theirs."""
    few = list(named.values_list("flow_id", flat=True)[: FEW + 1])
    if len(few) <= FEW:
        return rows.filter(flow_id__in=few)
    return rows.filter(Exists(named.filter(flow_id=OuterRef("flow_id"))))


def _named(text: str) -> Q:
    """Flows with this key, with a correlation ID that begins so, or with this event."""
    keys = FlowKey.objects.filter(key__in=meant(text)).values("flow_id")[:FEW]
    events = Event.objects.filter(event_id=text).values("flow_id")[:FEW]
    found = set(keys.values_list("flow_id", flat=True))
    found.update(events.values_list("flow_id", flat=True))
    return Q(flow_id__in=sorted(found)) | _begins(text)


def _begins(text: str) -> Q:
    """A correlation ID that is this, or begins so, by its index on both databases."""
    if len(text) < PREFIX_MIN:
        return Q(flow_id=text)
    if connection.vendor == "sqlite":  # its LIKE ignores case and so finds no index
        return Q(flow_id__gte=text, flow_id__lt=f"{text}\U0010ffff")
    return Q(flow_id__startswith=text)
