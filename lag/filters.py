"""What the page and the API of lag can be narrowed to; the state is in the URL."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from kit.filters import Filter
from lag.evaluate import SEVERITY
from lag.models import Standing


@dataclass(frozen=True)
class LagFilter(Filter):
    """`q` is part of a consumer's, topic's or broker's name; `verdict` one verdict."""

    q: str = ""
    verdict: str = ""

    def apply(self, rows: QuerySet[Standing]) -> QuerySet[Standing]:
        """The standings this filter means; a verdict that there is not is ignored."""
        if self.q:
            rows = rows.filter(
                Q(consumer__icontains=self.q)
                | Q(topic__icontains=self.q)
                | Q(broker__icontains=self.q)
            )
        if self.verdict in {verdict.value for verdict in SEVERITY}:
            rows = rows.filter(verdict=self.verdict)
        return rows
