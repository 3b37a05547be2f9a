"""A FastStream app on Redis Streams, unchanged and without a mapping: whole cascades."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.foreign.watching import environment, shape, watching
from tracing.models import Event

PROGRAM = Path(__file__).with_name("faststream_shop.py")
ORDERS = 3
pytestmark = pytest.mark.django_db(transaction=True)


def test_every_order_is_one_cascade(redis_url: str) -> None:
    with (
        watching(redis_url) as console,
        subprocess.Popen(
            [sys.executable, str(PROGRAM), str(ORDERS)], env=environment(redis_url)
        ) as program,
    ):
        try:
            console.until(lambda: Event.objects.count() >= 4 * ORDERS, "all its messages")
        finally:
            program.send_signal(signal.SIGINT)
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
        }
        assert cascade["keys"] == ["order:4712"]
        assert cascade["anomalies"] == []
    mail = Event.objects.get(type="mails", flow_id="order-4712")
    assert bytes(mail.data or b"").decode().endswith('"Grüße"}')
    assert (mail.content_type, mail.source) == ("application/json", "legacy/mails")
    assert mail.attributes == {"readas": "FastStream"}
    assert Event.objects.count() == 4 * ORDERS
