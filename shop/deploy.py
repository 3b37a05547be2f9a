"""Runs one consumer process, and deploys another release of it when an incident is switched."""

import logging
import threading

from redis import Redis
from redis.exceptions import RedisError

from cascade_client import Consumer, RedisTransport, Retry
from shop.consumers import CONSUMERS, Role
from shop.incidents import Incidents
from shop.ledger import Ledger
from shop.settings import Settings
from shop.world import World

PARTITIONS = 3
LONGEST = 50_000  # entries of a stream, about: more than a day of orders at 40 a minute
LOOK_S = 0.5
RETRY = Retry(attempts=5, base_s=0.25, factor=2, max_s=5, jitter=0.2)

log = logging.getLogger(__name__)


def run_consumer(name: str, process: str, settings: Settings, stop: threading.Event) -> None:
    """Consume until `stop`; a change of release ends the old consumer before the new one starts."""
    role = CONSUMERS[name]
    redis = connect(settings)
    incidents = Incidents(redis)
    ledger = Ledger(settings.home)
    while not stop.is_set():
        release = _release(role, incidents, stop)
        if release is None:
            return
        log.info("%s %s runs as %s", name, release, process)
        replaced = threading.Event()
        watcher = threading.Thread(
            target=_watch, args=(role, release, Incidents(redis), stop, replaced), daemon=True
        )
        watcher.start()
        world = World(settings.seed, release, ledger, incidents, replaced)
        _consumer(name, process, role, world, settings).run(replaced)
        replaced.set()
        watcher.join()


def connect(settings: Settings) -> Redis:
    """A client of the shop's Redis that answers text."""
    return Redis.from_url(settings.redis_url, decode_responses=True, socket_timeout=10)


def transport(settings: Settings) -> RedisTransport:
    """The shop's topics; each has three partitions."""
    redis = Redis.from_url(settings.redis_url, socket_timeout=10)
    return RedisTransport(redis, default_partitions=PARTITIONS, longest=LONGEST)


def _consumer(name: str, process: str, role: Role, world: World, settings: Settings) -> Consumer:
    return Consumer(
        transport(settings),
        name,
        source=f"/shop/{name}",
        topics=role.topics,
        handlers=role.handlers(world),
        retry=RETRY,
        process=process,
        release=world.release,
    )


def _release(role: Role, incidents: Incidents, stop: threading.Event) -> str | None:
    """The release to run now, as soon as the broker answers; None when `stop` came first."""
    while not stop.is_set():
        try:
            return role.release(incidents)
        except RedisError as error:
            log.warning("the broker does not answer: %s", error)
            stop.wait(LOOK_S)
    return None


def _watch(
    role: Role,
    release: str,
    incidents: Incidents,
    stop: threading.Event,
    replaced: threading.Event,
) -> None:
    """Set `replaced` when the process is to end or another release is to run."""
    while not replaced.is_set():
        if stop.wait(LOOK_S):
            break
        try:
            if role.release(incidents) != release:
                break
        except RedisError as error:
            log.warning("the broker does not answer: %s", error)
    replaced.set()
