"""/metrics: what Prometheus reads, and what a scrape costs."""

import os
import shutil
import subprocess
from datetime import timedelta

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

import lag.metrics
from console import metrics
from dlq.models import Group
from kit import clock
from kit.models import ApiToken, User
from lag.models import Depth, Exposition, Position, Snapshot, Stream

pytestmark = pytest.mark.django_db

PROMTOOL = os.environ.get("PROMTOOL") or shutil.which("promtool")
PLACE = {"broker": "shop", "stream": "orders.0", "group": "payment"}


def position(consumer: str = "payment", **values: object) -> None:
    fields: dict[str, object] = {
        "messages": 12,
        "method": "exact",
        "oldest_s": 3.0,
        "oldest_pending_s": 0.0,
        "pending": 0,
        "processes": 2,
        "lost": 0,
        **values,
    }
    Position.objects.create(
        broker="shop",
        stream="orders.0",
        topic="orders",
        consumer=consumer,
        sampled_at=clock.now(),
        **fields,
    )


@pytest.fixture(autouse=True)
def _shop() -> None:
    now = clock.now()
    Snapshot.objects.create(broker="shop", at=now, sampled_at=now, took_ms=50)
    Stream.objects.create(
        broker="shop",
        stream="orders.0",
        topic="orders",
        role="topic",
        sampled_at=now,
        length=99,
        arrived=7,
    )
    Depth.objects.create(
        broker="shop",
        stream='odd"name\\.dlq',
        consumer="payment",
        sampled_at=now,
        messages=3,
        oldest_at=now - timedelta(hours=1),
    )
    Group.objects.create(
        fingerprint="1:a",
        broker="shop",
        consumer="payment",
        first_at=now,
        last_at=now,
        letters=214,
        open_letters=7,
    )


def value(name: str, labels: dict[str, str]) -> float | None:
    text = Exposition.objects.get().body
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return sample.value
    return None


def test_known_numbers_with_their_twins() -> None:
    position()
    metrics.render()
    assert value("cascade_lag_messages", PLACE) == 12
    assert value("cascade_lag_messages_known", PLACE) == 1
    assert value("cascade_lag_exact", PLACE) == 1
    assert value("cascade_processes", PLACE) == 2
    oldest = value("cascade_oldest_undelivered_timestamp_seconds", PLACE)
    assert oldest == pytest.approx(Position.objects.get().sampled_at.timestamp() - 3, abs=0.01)
    queue = {"broker": "shop", "stream": 'odd"name\\.dlq', "group": "payment"}
    assert value("cascade_dead_letter_queue_messages", queue) == 3
    assert value("cascade_stream_arrived_entries_total", {"broker": "shop", "stream": "orders.0"})
    consumer = {"broker": "shop", "group": "payment"}
    assert value("cascade_dead_letters_taken_total", consumer) == 214
    assert value("cascade_snapshot_timestamp_seconds", {"broker": "shop"}) is not None


def test_unknown_is_absent_and_its_twin_is_zero() -> None:
    position(messages=None, method="unknown", oldest_s=None, lost=None)
    metrics.render()
    for name in ("cascade_lag_messages", "cascade_oldest_undelivered_timestamp_seconds"):
        assert value(name, PLACE) is None
        assert value(f"{name}_known", PLACE) == 0
    assert value("cascade_lost_messages_total", PLACE) is None


def test_nothing_waits_is_known_without_a_time() -> None:
    position(messages=0, oldest_s=0.0)
    metrics.render()
    assert value("cascade_lag_messages", PLACE) == 0
    assert value("cascade_oldest_undelivered_timestamp_seconds", PLACE) is None
    assert value("cascade_oldest_undelivered_timestamp_seconds_known", PLACE) == 1


def test_at_least_is_not_exact() -> None:
    position(messages=10_000, method="bounded")
    metrics.render()
    assert value("cascade_lag_messages", PLACE) == 10_000
    assert value("cascade_lag_exact", PLACE) == 0


def test_a_broker_that_does_not_answer_makes_its_numbers_unknown() -> None:
    position()
    Snapshot.objects.update(error="Redis cannot be reached")
    metrics.render()
    assert value("cascade_lag_messages", PLACE) is None
    assert value("cascade_lag_messages_known", PLACE) == 0
    assert value("cascade_snapshot_success", {"broker": "shop"}) == 0
    assert value("cascade_snapshot_timestamp_seconds", {"broker": "shop"}) is not None


def test_too_many_series_are_cut_and_the_cut_is_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lag.metrics, "MAX_CONSUMERS", 3)
    for number in range(5):
        position(f"consumer-{number}")
    metrics.render()
    assert value("cascade_lag_left_out_consumers", {}) == 2
    assert Exposition.objects.get().body.count("\ncascade_lag_messages{") == 3


def test_a_scrape_reads_one_row(client: Client, django_assert_num_queries: object) -> None:
    position()
    metrics.render()
    with django_assert_num_queries(1):  # type: ignore[operator]
        answer = client.get("/metrics")
    assert answer["Content-Type"].startswith("text/plain; version=")
    assert answer.content.decode() == Exposition.objects.get().body


def test_nothing_yet_is_not_an_empty_answer(client: Client) -> None:
    answer = client.get("/metrics")
    assert answer.status_code == 503
    assert answer["Content-Type"] == "application/problem+json"


def test_closed_needs_a_token(client: Client, settings: object) -> None:
    settings.METRICS_OPEN = False  # type: ignore[attr-defined]
    metrics.render()
    assert client.get("/metrics").status_code == 401
    owner = User.objects.create_user("bot", role="viewer")
    for scopes, status in ((["ingest"], 403), (["read"], 200)):
        _, token = ApiToken.issue(owner, "t", scopes)
        headers = {"Authorization": f"Bearer {token}"}
        assert client.get("/metrics", headers=headers).status_code == status


def test_every_metric_has_help() -> None:
    position()
    metrics.render()
    families = list(text_string_to_metric_families(Exposition.objects.get().body))
    assert len(families) > 20
    assert [family.name for family in families if not family.documentation] == []


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not here (PROMTOOL= names it)")
def test_promtool_has_nothing_to_say() -> None:
    position()
    position("unknown", messages=None, method="unknown", oldest_s=None)
    metrics.render()
    body = Exposition.objects.get().body.encode()
    told = subprocess.run(
        [PROMTOOL or "", "check", "metrics"], input=body, capture_output=True, check=False
    )
    assert (told.returncode, told.stdout, told.stderr) == (0, b"", b"")
