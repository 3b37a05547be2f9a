"""An ioredis app that writes plain JSON, unchanged, with a mapping: whole cascades, fan-in too."""

import os
import subprocess
from pathlib import Path

import pytest

from brokers.config import MappingConfig
from tests.foreign.watching import environment, shape, watching
from tracing.models import Event

PROGRAM = Path(__file__).with_name("ioredis_shop.js")
PACKAGES = os.environ.get("NODE_PACKAGES", "")
ORDERS = 3
MAPPING = MappingConfig(
    stream="*",
    id="/meta/uid",
    type="header:kind",
    time="/meta/at",
    correlation="/meta/flow",
    causation="/meta/causes",
    keys={"order": "/order/no"},
)
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        not PACKAGES, reason="ioredis is not here (NODE_PACKAGES= names its folder)"
    ),
]


def test_every_order_is_one_cascade(redis_url: str) -> None:
    packages = str(Path(PACKAGES) / "node_modules")
    with (
        watching(redis_url, MAPPING) as console,
        subprocess.Popen(
            ["node", str(PROGRAM), str(ORDERS)], env=environment(redis_url, NODE_PATH=packages)
        ) as program,
    ):
        try:
            console.until(lambda: Event.objects.count() >= 4 * ORDERS, "all its messages")
            assert program.wait(timeout=60) == 0
        finally:
            program.kill()
        listed = console.api("cascades?key=order:4712")["items"]
        assert [flow["correlation_id"] for flow in listed] == ["flow-4712"]
        cascade = console.api("cascades/flow-4712")
        assert shape(cascade) >= {
            ("OrderPlaced", "OrderPaid", "causation"),
            ("OrderPlaced", "OrderPicked", "causation"),
            ("OrderPaid", "ParcelSent", "causation"),
            ("OrderPicked", "ParcelSent", "causation"),
        }
        assert cascade["keys"] == ["order:4712"]
        assert cascade["anomalies"] == []
    parcel = Event.objects.get(type="ParcelSent", flow_id="flow-4712")
    assert len(parcel.causes) == 2
    assert parcel.attributes == {"readas": "mapping *"}
    assert Event.objects.count() == 4 * ORDERS


def test_without_a_mapping_they_are_events_all_the_same(redis_url: str) -> None:
    packages = str(Path(PACKAGES) / "node_modules")
    with watching(redis_url) as console:
        words = ["node", str(PROGRAM), "1"]
        subprocess.run(
            words, env=environment(redis_url, NODE_PATH=packages), check=True, timeout=60
        )
        console.until(lambda: Event.objects.count() >= 4, "all its messages")
    assert set(Event.objects.values_list("type", flat=True)) == {"orders", "steps", "parcels"}
