"""The anomalies of a cascade, kind by kind: a few of each, and one kind in windows."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.http import QueryDict

from tracing.cascade import MEANINGS, Anomaly, Cascade, Kind, Meaning
from tracing.views.windows import Window, begin, window

FEW = 3  # of each kind
SIZE = 20  # of the kind that is open
ICONS = {"bad": "alert-octagon", "warn": "alert-triangle", "idle": "info-circle"}


@dataclass(frozen=True, slots=True)
class Group:
    """Those of one kind; `window` when it is open and they are more than one window."""

    kind: Kind
    meaning: Meaning
    number: int
    shown: Sequence[Anomaly]
    is_open: bool
    window: Window | None

    @property
    def icon(self) -> str:
        """The icon of how bad it is."""
        return ICONS[self.meaning.tone]


def groups(found: Cascade, query: QueryDict) -> list[Group]:
    """The worst kind first; `?anomaly=late` opens one, `?afrom=20` further down."""
    kinds: dict[Kind, list[Anomaly]] = defaultdict(list)
    for anomaly in found.anomalies:
        kinds[anomaly.kind].append(anomaly)
    return [_group(kind, own, query) for kind, own in kinds.items()]


def _group(kind: Kind, own: Sequence[Anomaly], query: QueryDict) -> Group:
    if query.get("anomaly") != kind:
        return Group(kind, MEANINGS[kind], len(own), own[:FEW], is_open=False, window=None)
    first = begin(query.get("afrom", ""), len(own), SIZE)
    shown = own[first : first + SIZE]
    cut = window(first, len(own), SIZE)
    return Group(kind, MEANINGS[kind], len(own), shown, is_open=True, window=cut)
