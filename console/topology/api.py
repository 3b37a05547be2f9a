"""The topology as JSON."""

from django.http import HttpRequest
from ninja import Router
from pydantic import BaseModel

from console.topology.gather import Deaths, System, system
from console.topology.graph import Kind, Link, Place
from kit import clock
from kit.clock import rfc3339
from kit.permissions import Permission
from kit.security import BearerOrSession

router = Router(tags=["topology"])


class ServiceOut(BaseModel):
    """One publisher that is no consumer, by the source of its events."""

    source: str


class TopicOut(BaseModel):
    """One topic; `partitions` is null where its broker is not sampled."""

    broker: str
    name: str
    partitions: int | None


class ConsumerOut(BaseModel):
    """One consumer as it stands on its worst topic; null is unknown."""

    broker: str
    name: str
    verdict: str
    oldest_s: float | None
    handled_per_minute: float | None
    dead_letters: int
    deaths_per_minute: float


class LinkOut(BaseModel):
    """A publisher and its topic, or a topic and its consumer (`kind` of the party)."""

    kind: str
    party: str
    broker: str
    topic: str
    types: list[str]
    per_minute: float | None
    last_at: str | None


class TopologyOut(BaseModel):
    """Who publishes what to which topic, and who consumes it."""

    services: list[ServiceOut]
    topics: list[TopicOut]
    consumers: list[ConsumerOut]
    publishes: list[LinkOut]
    consumes: list[LinkOut]


@router.get("/topology", response=TopologyOut, auth=BearerOrSession(Permission.READ))
def topology(request: HttpRequest, broker: str = "") -> TopologyOut:
    """What was learned in the last 7 days; `broker` leaves one broker's part."""
    every = system(clock.now())
    shown = every.only(broker) if broker else every
    return TopologyOut(
        services=[ServiceOut(source=place.name) for place in shown.of(Kind.SERVICE)],
        topics=[
            TopicOut(broker=p.broker, name=p.name, partitions=shown.partitions.get(p))
            for p in shown.of(Kind.TOPIC)
        ],
        consumers=[_consumer(shown, place) for place in shown.of(Kind.CONSUMER)],
        publishes=[_out(one, one.origin, one.target) for one in shown.links if _publishes(one)],
        consumes=[_out(one, one.target, one.origin) for one in shown.links if not _publishes(one)],
    )


def _publishes(link: Link) -> bool:
    return link.target.kind is Kind.TOPIC


def _consumer(shown: System, place: Place) -> ConsumerOut:
    standing, deaths = shown.standings.get(place), shown.deaths.get(place, Deaths())
    return ConsumerOut(
        broker=place.broker,
        name=place.name,
        verdict=standing.verdict if standing else "unknown",
        oldest_s=standing.oldest_s if standing else None,
        handled_per_minute=shown.handled.get(place),
        dead_letters=deaths.letters,
        deaths_per_minute=deaths.per_minute,
    )


def _out(link: Link, party: Place, topic: Place) -> LinkOut:
    return LinkOut(
        kind=party.kind.value,
        party=party.name,
        broker=topic.broker,
        topic=topic.name,
        types=list(link.types),
        per_minute=link.per_minute,
        last_at=rfc3339(link.last_at) if link.last_at else None,
    )
