"""One owned stream: a thread that handles its entries one after another."""

import logging
import threading

from cascade_client.delivery import AWAY_S, Delivery, Member
from cascade_client.errors import Fenced, TransportError
from cascade_client.receipts import Outcome
from cascade_client.transport import Idle, Lease

LOOK_S = 0.5  # how often a quiet stream is looked at for entries made pending again
LONG_S = 1.0  # handling that takes longer is reported as started
log = logging.getLogger("cascade_client")


class Partition:
    """Handles a stream while its lease is held; ends by `stop` or when fenced off."""

    def __init__(self, member: Member, lease: Lease) -> None:
        self.lease = lease
        self._member = member
        self._transport = member.transport
        self._stop = threading.Event()
        self._lock = threading.Lock()  # guards the delivery in hand against the beat
        self._in_hand: Delivery | None = None
        self._started_reported = False
        name = f"{lease.consumer} {lease.stream}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to handle."""
        self._thread.start()

    def stop(self) -> None:
        """End after the entry in hand."""
        self._stop.set()

    def join(self) -> None:
        """Wait until it has ended."""
        self._thread.join()

    @property
    def ended(self) -> bool:
        """Whether it handles nothing any more."""
        return not self._thread.is_alive()

    def extend(self) -> None:
        """Keep the entry in hand ours. Raises TransportError."""
        with self._lock:
            if self._in_hand:
                self._transport.extend(self.lease, self._in_hand.position)

    def report_long(self) -> None:
        """Say once that the handling in hand started, if it takes long. Raises TransportError."""
        with self._lock:
            if not self._in_hand or self._started_reported:
                return
            attempt = self._in_hand.attempt
            if attempt.seconds > LONG_S:
                self._transport.report(attempt.receipt(Outcome.STARTED))
                self._started_reported = True

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._step()
        except Fenced:
            log.info("%s: %s has another owner", self.lease.consumer, self.lease.stream)
        except Exception:
            # The lease goes back, and whoever takes the stream next begins at the same entry.
            log.exception("%s: %s ended", self.lease.consumer, self.lease.stream)

    def _step(self) -> None:
        try:
            taken = self._transport.take(self.lease)
            if isinstance(taken, Idle):
                self._transport.wait(self.lease.stream, taken.after, LOOK_S)
                return
        except TransportError as error:
            self._pause(error)
            return
        delivery = Delivery(self._member, self.lease, taken)
        self._hold(delivery)
        try:
            delay_s = self._settle(delivery)
        finally:
            self._hold(None)
        self._stop.wait(delay_s)

    def _settle(self, delivery: Delivery) -> float:
        """Settle it, however often the broker goes away: that is no failed try."""
        while not self._stop.is_set():
            try:
                return delivery.settle(self._stop)
            except TransportError as error:
                self._pause(error)
        return 0.0

    def _hold(self, delivery: Delivery | None) -> None:
        with self._lock:
            self._in_hand = delivery
            self._started_reported = False

    def _pause(self, error: TransportError) -> None:
        log.warning("%s: the broker is away: %s", self.lease.consumer, error)
        self._stop.wait(AWAY_S)
