"""Customers: real orders over HTTP at a steady rate; what got its 202 goes into the ledger."""

import http.client
import logging
import math
import threading
import time

import msgspec

from shop.acceptance import Receipt
from shop.domain import Order, draw
from shop.ledger import Accepted, Ledger, cents
from shop.samples import sample_order
from shop.settings import Settings

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 2.0
ANSWER_S = 10.0  # an answer that takes longer counts as none
MOST_BEHIND_S = 2.0  # after an outage the missed orders are not made up in one burst

log = logging.getLogger(__name__)


class RefusedError(Exception):
    """The order service answered that it will never take this order."""


class Traffic:
    """The orders of one ledger. A restart goes on after the last order written down.

    The n-th order always has the same idempotency key: one that was sent but not written down
    before a crash is sent again and stays one order.
    """

    def __init__(self, settings: Settings, ledger: Ledger, stop: threading.Event) -> None:
        self._settings = settings
        self._ledger = ledger
        self._stop = stop
        self._book = ledger.name()

    def run(self) -> None:
        """Place orders until `stop`, or until the ledger holds `settings.number` of them.

        Raises RefusedError.
        """
        n = self._ledger.last_accepted()
        due = time.monotonic()
        last = self._settings.number or math.inf
        while n < last and not self._stop.is_set():
            n += 1
            self.place(n)
            due = max(due + self._gap_s(n), time.monotonic() - MOST_BEHIND_S)
            self._stop.wait(max(0.0, due - time.monotonic()))

    def place(self, n: int) -> None:
        """Place the n-th order, again and again until it is taken or `stop`."""
        order = sample_order(self._settings.seed, n)
        pause = FIRST_PAUSE_S
        while not self._stop.is_set():
            try:
                receipt = self._post(order, key=f"{self._book}-{n}")
            except (OSError, http.client.HTTPException) as error:
                log.warning("order %d: %s; again in %.1f s", n, error, pause)
                self._stop.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)
                continue
            self._ledger.accept(
                Accepted(n, receipt.order_id, receipt.correlation_id, cents(order.total))
            )
            return

    def _post(self, order: Order, key: str) -> Receipt:
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        client = http.client.HTTPConnection("127.0.0.1", self._settings.port, timeout=ANSWER_S)
        try:
            client.request("POST", "/orders", body=msgspec.json.encode(order), headers=headers)
            answer = client.getresponse()
            body = answer.read()
        finally:
            client.close()
        if answer.status == http.client.ACCEPTED:
            return msgspec.json.decode(body, type=Receipt)
        text = f"{answer.status} {body[:300].decode(errors='replace')}"
        if answer.status >= http.client.INTERNAL_SERVER_ERROR:
            raise http.client.HTTPException(text)
        raise RefusedError(text)

    def _gap_s(self, n: int) -> float:
        """Between half and one and a half of the mean: customers are no metronome."""
        return 60 / self._settings.rate * (0.5 + draw(self._settings.seed, "gap", str(n)))
