"""An ioredis app that writes plain JSON, unchanged, with a mapping: whole cascades, fan-in too."""

import os
import subprocess
from pathlib import Path

import pytest

from brokers.config import MappingConfig
from tests.foreign.watching import environment, shape, watching
from tracing.models import Event, Receipt

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


def _run(url: str, orders: int) -> None:
    """The program, from its first order to its last parcel."""
    packages = str(Path(PACKAGES) / "node_modules")
    words = ["node", str(PROGRAM), str(orders)]
    subprocess.run(words, env=environment(url, NODE_PATH=packages), check=True, timeout=60)


def test_every_order_is_one_cascade(redis_url: str) -> None:
    _run(redis_url, ORDERS)
    with watching(redis_url, MAPPING) as console:  # it comes later, and reads what is there
        console.until(lambda: Event.objects.count() >= 4 * ORDERS, "all its messages")
        console.until(lambda: Receipt.objects.count() >= 4 * ORDERS, "who handled them")
        listed = console.api("cascades?key=order:4712")["items"]
        assert [flow["correlation_id"] for flow in listed] == ["flow-4712"]
        cascade = console.api("cascades/flow-4712")
        assert shape(cascade) >= {
            ("OrderPlaced", "OrderPaid", "causation"),
            ("OrderPlaced", "OrderPicked", "causation"),
            ("OrderPaid", "ParcelSent", "causation"),
            ("OrderPicked", "ParcelSent", "causation"),
            ("OrderPlaced", "payment", "inferred"),
            ("OrderPlaced", "warehouse", "inferred"),
            ("OrderPaid", "shipping", "inferred"),
        }
        assert cascade["keys"] == ["order:4712"]
        assert cascade["anomalies"] == []
    parcel = Event.objects.get(type="ParcelSent", flow_id="flow-4712")
    assert len(parcel.causes) == 2
    assert parcel.attributes == {"readas": "mapping *"}
    assert Event.objects.count() == 4 * ORDERS


def test_without_a_mapping_they_are_events_all_the_same(redis_url: str) -> None:
    with watching(redis_url) as console:
        _run(redis_url, 1)
        console.until(lambda: Event.objects.count() >= 4, "all its messages")
    assert set(Event.objects.values_list("type", flat=True)) == {"orders", "steps", "parcels"}
