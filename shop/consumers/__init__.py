"""The five consumers: one module each, all with NAME, TOPICS, release() and handlers()."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from cascade_client import Handler
from shop.consumers import analytics, fulfilment, inventory, notification, payment
from shop.incidents import Incidents
from shop.world import World


class Role(NamedTuple):
    """What a consumer is: topics it reads, the release deployed now, what it does."""

    topics: Sequence[str]
    release: Callable[[Incidents], str]
    handlers: Callable[[World], Mapping[str, Handler]]


CONSUMERS: dict[str, Role] = {
    module.NAME: Role(module.TOPICS, module.release, module.handlers)
    for module in (payment, inventory, notification, analytics, fulfilment)
}
