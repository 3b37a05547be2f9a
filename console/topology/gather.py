"""What the topology is drawn from: learned ways, lag's standings, open dead letters."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import dlq.queries
import lag.queries
from brokers.config import TAP_GROUP
from console.topology.graph import Kind, Link, Place, Taking, links, topic_of
from dlq.filters import GroupFilter
from lag.models import Standing
from tracing import routes

LEARNED = timedelta(days=7)  # what was not seen for longer is left out
DYING = timedelta(minutes=10)  # deaths within this long are "now"
DYING_GROUPS = 200
SLOTS = 5  # of DYING


@dataclass(frozen=True, slots=True)
class Deaths:
    """The open dead letters of a consumer, and how many a minute it gives up now."""

    letters: int = 0
    per_minute: float = 0.0


@dataclass(frozen=True)
class System:
    """Everything the map, the table and the API show."""

    links: tuple[Link, ...]
    alone: tuple[Place, ...] = ()  # topics nobody is known to use
    partitions: dict[Place, int] = field(default_factory=dict)
    standings: dict[Place, Standing] = field(default_factory=dict)  # worst of each consumer
    handled: dict[Place, float | None] = field(default_factory=dict)  # a minute, all its topics
    deaths: dict[Place, Deaths] = field(default_factory=dict)

    @property
    def places(self) -> list[Place]:
        """Every node."""
        ends = {end for link in self.links for end in (link.origin, link.target)}
        return sorted(ends.union(self.alone))

    @property
    def brokers(self) -> list[str]:
        """Every broker something was seen on."""
        return sorted({place.broker for place in self.places if place.broker})

    def of(self, kind: Kind) -> list[Place]:
        """Every node of one kind."""
        return [place for place in self.places if place.kind is kind]

    def only(self, broker: str) -> "System":
        """The part of it that one broker has to do with."""
        near = [one for one in self.links if broker in (one.origin.broker, one.target.broker)]
        alone = [place for place in self.alone if place.broker == broker]
        return replace(self, links=tuple(near), alone=tuple(alone))


def system(now: datetime) -> System:
    """The present topology. A fixed number of queries, whatever the store holds."""
    every = [row for row in lag.queries.standings() if row.consumer != TAP_GROUP]
    standings: dict[Place, Standing] = {}
    rates: dict[Place, list[float | None]] = defaultdict(list)
    for row in every:  # worst first
        place = Place(Kind.CONSUMER, row.broker, row.consumer)
        standings.setdefault(place, row)
        rates[place].append(row.out_per_min)
    takings = [
        Taking(row.broker, row.topic, row.consumer, row.verdict, row.out_per_min) for row in every
    ]
    found = links(routes.known(now - LEARNED), routes.rates(now), takings)
    partitions = _partitions()
    linked = {end for link in found for end in (link.origin, link.target)}
    return System(
        links=found,
        alone=tuple(sorted(partitions.keys() - linked)),
        partitions=partitions,
        standings=standings,
        handled={place: _sum(known) for place, known in rates.items()},
        deaths=_deaths(now),
    )


def _partitions() -> dict[Place, int]:
    counts: dict[Place, int] = defaultdict(int)
    for stream in lag.queries.streams().filter(role="topic"):
        counts[topic_of(stream.broker, stream.topic)] += 1
    return dict(counts)


def _sum(rates: list[float | None]) -> float | None:
    known = [rate for rate in rates if rate is not None]
    return sum(known) if len(known) == len(rates) else None


def _deaths(now: datetime) -> dict[Place, Deaths]:
    letters: dict[Place, int] = defaultdict(int)
    for row in dlq.queries.open_by_consumer():
        letters[Place(Kind.CONSUMER, row.broker, row.consumer)] += row.letters
    recent = dlq.queries.groups(GroupFilter()).filter(last_at__gte=now - DYING)
    groups = list(recent.order_by("-last_at")[:DYING_GROUPS])
    trends = dlq.queries.trends([group.pk for group in groups], SLOTS, DYING)
    dying: dict[Place, float] = defaultdict(float)
    for group in groups:
        place = Place(Kind.CONSUMER, group.broker, group.consumer)
        dying[place] += sum(trends[group.pk]) / (DYING / timedelta(minutes=1))
    return {
        place: Deaths(letters.get(place, 0), dying.get(place, 0.0)) for place in {*letters, *dying}
    }
