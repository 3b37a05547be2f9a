"""A FastStream app on Redis Streams, unchanged and without a mapping: whole cascades."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from tests.foreign.watching import WITHIN_S, environment, shape, watching
from tracing.models import Event, Receipt

PROGRAM = Path(__file__).with_name("faststream_shop.py")
ORDERS = 3
pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def running(url: str) -> Iterator[None]:
    """The app, with its consumer groups made."""
    words = [sys.executable, str(PROGRAM), "serve"]
    with subprocess.Popen(words, env=environment(url)) as program:
        try:
            ends = time.monotonic() + WITHIN_S
            while _groups(url) != {"payment", "mail", "shipping"}:
                assert program.poll() is None
                assert time.monotonic() < ends
                time.sleep(0.1)
            yield
        finally:
            program.send_signal(signal.SIGINT)


def _groups(url: str) -> set[str]:
    client: Any = Redis.from_url(url)
    found = {
        group["name"].decode()
        for stream in ("orders", "payments")
        if client.exists(stream)
        for group in client.xinfo_groups(stream)
    }
    client.close()
    return found


def test_every_order_is_one_cascade(redis_url: str) -> None:
    with running(redis_url), watching(redis_url) as console:
        console.tap.drain()  # of consumers it met by then it tells what they handle
        words = [sys.executable, str(PROGRAM), "place", str(ORDERS)]
        subprocess.run(words, env=environment(redis_url), check=True, timeout=60)
        console.until(lambda: Event.objects.count() >= 4 * ORDERS, "all its messages")
        console.until(lambda: Receipt.objects.count() >= 3 * ORDERS, "who handled them")
        listed = console.api("cascades")["items"]
        assert {flow["correlation_id"] for flow in listed} == {
            "order-4711",
            "order-4712",
            "order-4713",
        }
        assert {flow["events"] for flow in listed} == {4}
        cascade = console.api("cascades/order-4712")
        assert shape(cascade) >= {
            ("orders", "payments", "causation"),
            ("orders", "mails", "causation"),
            ("payments", "parcels", "causation"),
            ("orders", "payment", "inferred"),
            ("orders", "mail", "inferred"),
            ("payments", "shipping", "inferred"),
        }
        assert cascade["keys"] == ["order:4712"]
        assert cascade["anomalies"] == []
    mail = Event.objects.get(type="mails", flow_id="order-4712")
    assert bytes(mail.data or b"").decode().endswith('"Grüße"}')
    assert (mail.content_type, mail.source) == ("application/json", "legacy/mails")
    assert mail.attributes == {"readas": "FastStream"}
    assert Event.objects.count() == 4 * ORDERS
