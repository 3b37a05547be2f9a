"""Mappings: proposed, tried on the last messages, saved, in force at a tap that already runs."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from brokers import config as configuration
from brokers.config import KeyConfig, MappingConfig
from brokers.redis_streams import RedisStreams
from console import rulebook
from console.mappings import saved
from console.models import StreamMapping
from console.rulebook import Rulebook
from console.tap import Tap
from kit.models import AuditEntry
from tests.console.foreign_world import PAGE, STREAM, TYPED, foreign, observe, person, text_of
from tests.support.redis_server import RedisServer
from tests.tracing.test_foreign import faststream
from tests.tracing.test_suggest import chain, uuid
from tracing.models import Event, FlowKey

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def redis(redis_server: RedisServer, redis_url: str) -> Iterator[Any]:
    with foreign(redis_server, redis_url) as client:
        yield client


def test_a_proposal_is_shown_with_its_reasons_and_what_it_makes(redis: Any) -> None:
    page = text_of(person("viewer").get(PAGE))
    assert "This is proposed from the last 9 messages; nothing is saved." in page
    assert 'name="id" value="/meta/eventId"' in page
    assert "called eventId, another value in each message" in page
    assert 'name="stream" value="orders.*"' in page
    assert "9 of 9 fit" in page
    assert f'caused by <span class="mono">{uuid(7)}</span>' in page
    assert "order:4702" in page
    assert "hunter2" not in page
    assert "only an admin can save it" in page
    assert "[[mappings]]" in page
    assert not StreamMapping.objects.exists()


def test_what_does_not_fit_is_said_before_anything_is_saved(redis: Any) -> None:
    redis.xadd(STREAM, {"payload": '{"type": "other"}'})
    redis.xadd(STREAM, {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/a", "ce-type": "T"})
    headers = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "div#tried"}
    region = text_of(person().get(PAGE, TYPED, headers=headers))
    assert region.startswith('<div class="stack" id="tried">')
    assert "2 of 11 do not fit" in region
    assert "id: there is nothing at /meta/eventId" in region
    assert "a CloudEvent: it says itself what it is" in region


def test_what_is_recognised_anyway_is_said(redis: Any) -> None:
    redis.xadd("cloud", {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/a", "ce-type": "T"})
    page = text_of(person().get("/settings/mapping/legacy/cloud"))
    assert "Not mapped. CloudEvents among the last messages say themselves" in page
    redis.xadd("fast", {"__data__": faststream({"correlation_id": "c"}, b'{"n": 1.5}')})
    page = text_of(person().get("/settings/mapping/legacy/fast"))
    assert "Messages of FastStream are recognised without a mapping" in page


def test_a_wrong_place_is_named(redis: Any) -> None:
    wrong = {**TYPED, "id": "eventId", "keys": "order", "stream": ""}
    answer = person().post(PAGE, wrong)
    assert answer.status_code == 422
    page = text_of(answer)
    for name in ("id", "keys", "stream"):
        assert f'<b class="strong">{name}</b>' in page
    assert "a pointer /a/b, header:Name, or =text" in page
    answer = person().post(PAGE, {"stream": "orders.*"})
    assert (answer.status_code, "maps nothing" in text_of(answer)) == (422, True)
    assert not StreamMapping.objects.exists()


def test_only_an_admin_saves_and_deletes(redis: Any) -> None:
    assert person("operator").post(PAGE, TYPED).status_code == 403
    assert person().post(PAGE, TYPED).status_code == 302
    row = StreamMapping.objects.get()
    url = reverse("console:delete_mapping", args=[row.pk])
    assert person("operator").post(url).status_code == 403
    assert "Saved by admin" in text_of(person("viewer").get(PAGE))
    assert person().post(url).status_code == 302
    assert not StreamMapping.objects.exists()
    noted = AuditEntry.objects.filter(target_kind="mapping").order_by("pk")
    kept = list(noted.values_list("action", "summary", "actor"))
    assert kept == [
        ("mapping saved", "mapping of legacy/orders.*", "admin"),
        ("mapping deleted", "mapping of legacy/orders.*", "admin"),
    ]


def test_a_running_tap_picks_up_what_is_saved(redis: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rulebook, "EVERY_S", 0.0)
    broker = configuration.current().brokers[0]
    tap = Tap([RedisStreams(broker)], Rulebook(), "a")
    tap.drain()
    assert set(Event.objects.values_list("source", flat=True)) == {"legacy/orders.0"}
    person().post(PAGE, TYPED)
    redis.xadd(STREAM, {"payload": json.dumps(chain(9))})
    redis.xadd(STREAM, {"payload": json.dumps(chain(10))})
    tap.drain()
    assert Event.objects.count() == 11  # those taken in before stay as they are
    mapped = Event.objects.get(event_id=uuid(10))
    assert (mapped.source, mapped.type, mapped.causes) == ("legacy/orders", "paid", [uuid(9)])
    assert mapped.flow_id == Event.objects.get(event_id=uuid(9)).flow_id == uuid(9003)
    assert set(FlowKey.objects.values_list("key", "flow_id")) == {("order:4703", uuid(9003))}


def test_a_kind_of_key_that_is_hashed_is_hashed_here_too(redis: Any, redis_url: str) -> None:
    broker = observe(
        redis_url,
        MappingConfig(stream="*", keys={"customer": "/customer_id"}),
        customer=KeyConfig("/nowhere", hash=True),
    )
    page = text_of(person().get(PAGE))
    assert "c-2" not in page.partition('id="tried"')[2].partition('class="small mono')[0]
    Tap([RedisStreams(broker)], Rulebook(), "a").drain()
    kinds = [key.partition(":") for key in FlowKey.objects.values_list("key", flat=True)]
    assert {kind for kind, _, _ in kinds} == {"customer"}
    assert all(value.startswith("~") for _, _, value in kinds)


def test_console_toml_wins_and_is_not_changed_here(redis: Any, redis_url: str) -> None:
    saved.save(
        MappingConfig(stream="orders.0", broker="legacy", type="=saved"), actor="a", user=None
    )
    observe(redis_url, MappingConfig(stream="orders.*", type="=configured"))
    assert saved.rules().mapping("legacy", "orders.0").type == "=configured"  # type: ignore[union-attr]
    page = text_of(person().get(PAGE))
    assert "console.toml maps this stream" in page
    assert "Save mapping" not in page
    assert 'value="=configured"' in page


def test_of_the_saved_ones_the_closest_is_the_one(redis: Any) -> None:
    for stream in ("*", "orders.?", "orders.0", "o*"):
        mapping = MappingConfig(stream=stream, broker="legacy", type=f"={stream}")
        saved.save(mapping, actor="a", user=None)
    tried = [row.stream for row in saved.saved()]
    assert tried == ["orders.0", "orders.?", "o*", "*"]
    assert saved.rules().mapping("legacy", "orders.1").type == "=orders.?"  # type: ignore[union-attr]


def test_so_many_are_kept_and_no_more(redis: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved, "SAVED_MAX", 1)
    person().post(PAGE, TYPED)
    answer = person().post(PAGE, {**TYPED, "stream": "other"})
    assert (answer.status_code, "there are 1 saved mappings" in text_of(answer)) == (422, True)
    assert person().post(PAGE, {**TYPED, "id": "/other"}).status_code == 302


def test_the_streams_of_a_broker_and_how_each_is_read(redis: Any) -> None:
    redis.xadd("orders.payment.dlq", {"data": "{}"})
    redis.xadd("parcels", {"data": "{}"})
    person().post(PAGE, TYPED)
    url = reverse("console:streams", args=["legacy"])
    page = text_of(person("viewer").get(url))
    assert 'the mapping of <span class="mono">orders.*</span>' in page
    assert page.count("what the messages say") == 1
    assert "dlq" not in page
    assert "No stream matches" in text_of(person().get(url, {"q": "nothing"}))
    assert url in text_of(person().get(reverse("console:settings")))


@pytest.mark.parametrize("path", ["nobody/orders.0", "legacy/orders.payment.dlq", "nobody"])
def test_what_is_not_there_is_404(redis: Any, path: str) -> None:
    assert person().get(f"/settings/mapping/{path}").status_code == 404


def test_a_broker_that_is_away_is_said(redis: Any) -> None:
    observe("redis://127.0.0.1:1/0")
    assert "legacy does not answer" in text_of(person().get(PAGE))
    assert "legacy does not answer" in text_of(
        person().get(reverse("console:streams", args=["legacy"]))
    )


def test_an_empty_stream_can_be_mapped_but_not_tried(redis: Any) -> None:
    page = text_of(person().get("/settings/mapping/legacy/new"))
    assert "Not mapped.</p>" in page
    assert "a mapping can be saved, but not tried" in page


def test_the_pages_cost_the_same_however_much_is_saved(redis: Any) -> None:
    client = person()
    paths = (PAGE, reverse("console:streams", args=["legacy"]))

    def queries() -> list[int]:
        counts = []
        for path in paths:
            with CaptureQueriesContext(connection) as caught:
                client.get(path)
            counts.append(len(caught))
        return counts

    before = queries()
    for number in range(40):
        mapping = MappingConfig(stream=f"other.{number}", broker="legacy", type="=x")
        saved.save(mapping, actor="a", user=None)
    for number in range(20):
        redis.xadd(f"more.{number}", {"data": "{}"})
    assert queries() == before
