"""A consumer: the logical reader of some topics, one process of it."""

import logging
import os
import socket
import threading
from collections.abc import Mapping, Sequence

from cascade_client.delivery import Handler, Member
from cascade_client.errors import TransportError
from cascade_client.lease import Ownership
from cascade_client.retry import Retry
from cascade_client.transport import Transport

TICK_S = 0.25
LEASE_S = 5.0  # a killed process's streams go to another one after about so long
DEFAULT_RETRY = Retry()
log = logging.getLogger("cascade_client")


class Consumer:
    """Handles the events of `topics` in the order of each stream, each with an effect once.

    `handlers` maps event types to `handle(event, work)`; `*` takes every type without a handler
    of its own, other types are acknowledged unhandled. `source` is what its own events say,
    `process` must be unique among the consumer's processes.
    """

    def __init__(
        self,
        transport: Transport,
        name: str,
        *,
        source: str,
        topics: Sequence[str],
        handlers: Mapping[str, Handler],
        retry: Retry = DEFAULT_RETRY,
        process: str | None = None,
        release: str = "",
        lease_s: float = LEASE_S,
    ) -> None:
        self._transport = transport
        self._topics = tuple(topics)
        self._lease_s = lease_s
        self._member = Member(
            transport=transport,
            consumer=name,
            source=source,
            process=process or f"{socket.gethostname()}-{os.getpid()}",
            release=release,
            handlers=dict(handlers),
            retry=retry,
        )

    def run(self, stop_event: threading.Event) -> None:
        """Handle until the event is set; then finish what is in hand and give the leases back.

        A broker that goes away is waited for.
        """
        streams = self._transport.streams(self._topics)
        ownership = Ownership(self._member, streams, self._lease_s)
        try:
            while not stop_event.is_set():
                try:
                    ownership.tick()
                except TransportError as error:
                    log.warning("%s: the broker is away: %s", self._member.consumer, error)
                stop_event.wait(TICK_S)
        finally:
            ownership.close()
