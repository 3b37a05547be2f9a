"""Which way a dead letter goes back to its consumer, and who else would see it (promise 6)."""

from collections.abc import Iterable
from dataclasses import dataclass

from brokers import config as configuration
from brokers import redis_signs
from brokers.config import TAP_GROUP, ConfigError
from brokers.connect import connect
from brokers.contract import Target
from brokers.redis_replay import RedisReplay
from brokers.redis_signs import Signs
from dlq.refusals import Refused


@dataclass(frozen=True, slots=True)
class Kind:
    """What decides the way: letters alike in this go the same way."""

    broker: str
    stream: str  # where it was delivered from; "" when its dead letter does not say
    has_position: bool  # whether it says where on that stream it lay
    topic: str
    consumer: str
    edited: bool


@dataclass(frozen=True, slots=True)
class Route:
    """The ways a kind of letter can go, best first; none when it cannot be sent at all."""

    targets: tuple[Target, ...]
    why: str
    others: tuple[str, ...] = ()  # consumers that handle it too if it goes to the whole topic
    retry_stream: str = ""

    @property
    def first(self) -> Target | None:
        """The way that is tried first."""
        return self.targets[0] if self.targets else None

    @property
    def needs_acceptance(self) -> bool:
        """Whether a person must accept that other consumers see it before any of it is sent."""
        return self.targets[-1:] == (Target.TOPIC,) and bool(self.others)


def replayer(broker: str) -> RedisReplay:
    """The sends of a broker. Raises Refused unless the configuration allows them (promise 12)."""
    try:
        connected = connect(broker)
    except ConfigError as error:
        raise Refused("This broker is not configured", str(error)) from error
    if not connected.config.replay:
        raise Refused(
            f"Writing to {broker} is off",
            f"The console only observes {broker}: `replay = true` in its [[brokers]] section "
            "of console.toml lets it publish and remove dead letters.",
        )
    return RedisReplay(connected.wire)


def allowed(brokers: Iterable[str]) -> None:
    """Raises Refused when one of these brokers may not be written to."""
    for broker in sorted(set(brokers)):
        replayer(broker)


def observed_only(broker: str) -> bool:
    """Whether the configuration names this broker and does not let the console write to it."""
    return any(one.name == broker and not one.replay for one in configuration.current().brokers)


class Routes:
    """The routes of one slice of work: signs and consumers are read once, and not kept longer.

    Reads from the broker; raises BrokerError when it cannot be reached, Refused as `replayer`.
    """

    def __init__(self) -> None:
        self._signs: dict[str, Signs] = {}
        self._consumers: dict[tuple[str, str], list[str]] = {}
        self._routes: dict[Kind, Route] = {}

    def of(self, kind: Kind) -> Route:
        """The ways this kind of letter can go."""
        if kind not in self._routes:
            self._routes[kind] = self._choose(kind)
        return self._routes[kind]

    def signs(self, broker: str) -> Signs:
        """What the consumers and the server of a broker say of themselves."""
        if broker not in self._signs:
            self._signs[broker] = redis_signs.read(connect(broker).wire)
        return self._signs[broker]

    def _choose(self, kind: Kind) -> Route:
        known = configuration.current().consumer(kind.consumer)
        targets: list[Target] = []
        reasons: list[str] = []
        signs = self.signs(kind.broker)
        original = kind.stream and kind.has_position and not kind.edited
        if original and signs.seen_reclaiming(kind.stream, kind.consumer):
            targets.append(Target.REPEND)
            reasons.append(f"{kind.consumer} takes up pending entries: the original again")
        if known.retry_stream:
            targets.append(Target.RETRY)
            reasons.append(f"its retry queue {known.retry_stream}")
            return Route(tuple(targets), ", else ".join(reasons), (), known.retry_stream)
        if not kind.stream:
            return Route((), "the dead letter does not say where it was delivered from")
        if not kind.consumer:
            return Route((), "the dead letter does not say which consumer gave it up")
        others = self._unmarked(kind)
        targets.append(Target.TOPIC if others else Target.MARK)
        reasons.append(_reason(kind, others))
        return Route(tuple(targets), ", else ".join(reasons), others)

    def _unmarked(self, kind: Kind) -> tuple[str, ...]:
        """The other consumers of the stream that are not known to pass a mark by."""
        place = (kind.broker, kind.stream)
        if place not in self._consumers:
            reading = RedisReplay(connect(kind.broker).wire).cursors(kind.stream)
            self._consumers[place] = sorted(reading)
        others = [name for name in self._consumers[place] if name not in (kind.consumer, TAP_GROUP)]
        return tuple(name for name in others if not self._honours(kind.broker, name))

    def _honours(self, broker: str, consumer: str) -> bool:
        configured = configuration.current().consumer(consumer).honours_mark
        if configured is not None:
            return configured
        return self.signs(broker).honours_mark(consumer)


def _reason(kind: Kind, others: tuple[str, ...]) -> str:
    if others:
        return f"the whole topic {kind.topic}: {', '.join(others)} do not pass a mark by"
    return f"{kind.topic} with a mark for {kind.consumer}: every other consumer passes it by"
