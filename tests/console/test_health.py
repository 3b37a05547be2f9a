"""/healthz and /readyz: what is not ready is named."""

from datetime import timedelta

import pytest
from django.test import Client

from brokers import config
from kit import clock
from lag.models import Snapshot, Standing
from tracing import cursors
from tracing.models import Watch

pytestmark = pytest.mark.django_db


@pytest.fixture
def _ready(settings: object, redis_url: str) -> object:
    settings.REDIS_URL = redis_url  # type: ignore[attr-defined]
    settings.CELERY_BROKER_URL = redis_url[:-1] + "1"  # type: ignore[attr-defined]
    before = list(config._loaders)
    config.use(lambda: config.load(None, redis_url, {}))
    now = clock.now()
    Snapshot.objects.create(broker="default", at=now, sampled_at=now)
    cursors.hold("default", "tap-1", "")
    yield
    config.use(before[0])


def test_alive_without_anything(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.usefixtures("_ready")
def test_ready(client: Client) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["not_ready"]) == (200, [])


@pytest.mark.usefixtures("_ready")
def test_a_sampler_that_stopped_is_named_with_its_age(client: Client) -> None:
    Snapshot.objects.update(at=clock.now() - timedelta(minutes=5))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["not_ready"] == ["sampler"]
    assert answer.json()["parts"]["sampler"] == "last round 5\xa0min ago"
    Snapshot.objects.all().delete()
    assert client.get("/readyz").json()["parts"]["sampler"] == "no round yet"


@pytest.mark.usefixtures("_ready")
def test_redis_that_does_not_answer_is_named(client: Client, settings: object) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"  # type: ignore[attr-defined]
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["not_ready"]) == (503, ["redis"])


@pytest.mark.usefixtures("_ready")
def test_a_wrong_configuration_is_named(client: Client) -> None:
    config.use(lambda: config.load("nowhere.toml", None, {}))
    assert "cannot be read" in client.get("/readyz").json()["parts"]["sampler"]


@pytest.mark.usefixtures("_ready")
def test_a_tap_that_stopped_is_named(client: Client, redis_url: str) -> None:
    broker = config.BrokerConfig(name="default", url=redis_url, tap=True)
    config.use(lambda: config.Config(brokers=(broker,)))
    now = clock.now()
    row = Standing.objects.create(
        broker="default",
        topic="orders",
        consumer=config.TAP_GROUP,
        sampled_at=now,
        verdict="falling_behind",
        since=now,
        moved_at=now,
        method="exact",
    )
    assert client.get("/readyz").status_code == 200
    row.verdict = "stopped"
    row.save()
    answer = client.get("/readyz")
    assert answer.json()["not_ready"] == ["tap"]
    assert answer.json()["parts"]["tap"] == "takes nothing in from orders"


@pytest.mark.usefixtures("_ready")
def test_a_broker_that_nobody_reads_is_named(client: Client) -> None:
    Watch.objects.update(held_until=clock.now() - timedelta(minutes=1))
    assert client.get("/readyz").json()["parts"]["tap"] == "nobody reads default"
