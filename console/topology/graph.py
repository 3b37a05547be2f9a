"""Pure: services, topics and consumers, and what goes from one to another."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from kit.redaction import mask_text
from tracing.ways import Rates, Way

NO_TOPIC = "by HTTP"  # what came in without a broker


class Kind(StrEnum):
    """What a node is."""

    SERVICE = "service"
    TOPIC = "topic"
    CONSUMER = "consumer"


class Place(NamedTuple):
    """One node. A service is known by the source of its events, and has no broker."""

    kind: Kind
    broker: str
    name: str


@dataclass(frozen=True, slots=True)
class Taking:
    """A consumer of a topic as lag sees it; `per_minute` is what it handles, None unknown."""

    broker: str
    topic: str
    consumer: str
    verdict: str
    per_minute: float | None


@dataclass(frozen=True, slots=True)
class Link:
    """What goes from a publisher to a topic, or from a topic to a consumer."""

    origin: Place
    target: Place
    types: tuple[str, ...]  # empty where only lag knows of it
    per_minute: float | None  # None is unknown
    last_at: datetime | None
    verdict: str = ""  # of this consumer on this topic, where lag knows


def links(
    ways: Sequence[tuple[Way, datetime]], rates: Rates, takings: Iterable[Taking]
) -> tuple[Link, ...]:
    """Every link once, in one order whatever the order of what is given."""
    found: dict[tuple[Place, Place], list[tuple[Way, datetime]]] = defaultdict(list)
    publisher = _publishers([way for way, _ in ways])
    for way, at in ways:
        topic = topic_of(way.broker, way.topic)
        if not way.source:
            found[topic, Place(Kind.CONSUMER, way.broker, way.consumer)].append((way, at))
        elif way in publisher:
            found[publisher[way], topic].append((way, at))
    sampled: dict[tuple[Place, Place], Taking] = {}
    for taking in takings:
        ends = (
            topic_of(taking.broker, taking.topic),
            Place(Kind.CONSUMER, taking.broker, taking.consumer),
        )
        sampled[ends] = taking
        found[ends]  # a consumer that sends no receipts is drawn all the same
    return tuple(_link(ends, found[ends], rates, sampled.get(ends)) for ends in sorted(found))


def _link(
    ends: tuple[Place, Place],
    gone: Sequence[tuple[Way, datetime]],
    rates: Rates,
    taking: Taking | None,
) -> Link:
    publishes = ends[1].kind is Kind.TOPIC
    handled = taking.per_minute if taking else None
    return Link(
        origin=ends[0],
        target=ends[1],
        types=tuple(sorted({way.type for way, _ in gone})),
        per_minute=_published(gone, rates) if publishes else handled,
        last_at=max((at for _, at in gone), default=None),
        verdict=taking.verdict if taking else "",
    )


def topic_of(broker: str, topic: str) -> Place:
    """The place of a topic; events that came by HTTP have none of a broker."""
    return Place(Kind.TOPIC, broker, topic or NO_TOPIC)


def _publishers(ways: Iterable[Way]) -> dict[Way, Place]:
    """Who publishes each way: the consumer whose receipt says so, else the source's service.

    An event whose receipt has not come yet does not make a service of its consumer: where a
    receipt tells who goes a way, the same way without a consumer is left out.
    """
    reads: dict[str, set[str]] = defaultdict(set)  # consumer -> brokers
    out: list[Way] = []
    for way in ways:
        if way.source:
            out.append(way)
        else:
            reads[way.consumer].add(way.broker)
    told = {way._replace(consumer="") for way in out if way.consumer}
    return {way: _publisher(way, reads) for way in out if way not in told}


def _publisher(way: Way, reads: dict[str, set[str]]) -> Place:
    if not way.consumer:
        return Place(Kind.SERVICE, "", mask_text(way.source))
    brokers = reads.get(way.consumer) or {way.broker}
    broker = way.broker if way.broker in brokers else min(brokers)
    return Place(Kind.CONSUMER, broker, way.consumer)


def _published(gone: Iterable[tuple[Way, datetime]], rates: Rates) -> float | None:
    """Events a minute of all these ways, one that is counted once going in once.

    A type that is too rare to be among the newest events adds nothing to the others.
    """
    parts = {way._replace(consumer=""): rates.of(way) for way, _ in gone}
    known = [rate for rate in parts.values() if rate is not None]
    return sum(known) if known else None
