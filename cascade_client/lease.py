"""Which streams this process owns: a fair share of them, each by a fenced lease."""

import logging
import math
import time

from cascade_client.delivery import Member
from cascade_client.errors import TransportError
from cascade_client.partition import Partition
from cascade_client.transport import Lease

log = logging.getLogger("cascade_client")


class Ownership:
    """Takes, extends and gives back leases; to be ticked several times a second."""

    def __init__(self, member: Member, streams: list[str], lease_s: float) -> None:
        self._member = member
        self._transport = member.transport
        self._streams = streams
        self._lease_s = lease_s
        self._every_s = min(1.0, lease_s / 3)
        self._next = 0.0
        self._held: dict[str, Partition] = {}
        self._prepared = False

    def tick(self) -> None:
        """Look after what is held and, about once a second, after the shares.

        Raises TransportError.
        """
        if not self._prepared:
            # also of streams another process will own: a consumer is to be seen on all of them
            for stream in self._streams:
                self._transport.prepare(stream, self._member.consumer)
            self._prepared = True
        self._reap()
        for partition in self._held.values():
            partition.report_long()
        if time.monotonic() >= self._next:
            self._balance()
            self._next = time.monotonic() + self._every_s

    def close(self) -> None:
        """End after the entries in hand and give everything back."""
        for partition in self._held.values():
            partition.stop()
        for partition in self._held.values():
            partition.join()
        try:
            self._reap()
            self._transport.leave(self._member.consumer, self._member.process)
        except TransportError as error:
            # The leases lapse by themselves.
            log.warning("%s: the broker is away: %s", self._member.consumer, error)

    def _reap(self) -> None:
        for stream in [name for name, partition in self._held.items() if partition.ended]:
            self._transport.release(self._held[stream].lease)
            del self._held[stream]

    def _balance(self) -> None:
        member = self._member
        living = self._transport.join(member.consumer, member.process, self._lease_s)
        share = math.ceil(len(self._streams) / max(1, living))
        for partition in self._held.values():
            if self._transport.renew(partition.lease, self._lease_s):
                partition.extend()
            else:
                partition.stop()
        for partition in list(self._held.values())[share:]:
            partition.stop()
        for stream in self._streams:
            if stream not in self._held and len(self._held) < share:
                self._take(stream)

    def _take(self, stream: str) -> None:
        member = self._member
        lease: Lease | None = self._transport.acquire(
            stream, member.consumer, member.process, self._lease_s
        )
        if lease is None:
            return
        self._transport.prepare(stream, member.consumer)
        self._held[stream] = Partition(member, lease)
        self._held[stream].start()
        log.info("%s: %s owns %s", member.consumer, member.process, stream)
