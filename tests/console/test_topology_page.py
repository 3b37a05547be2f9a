"""The topology as page, table and JSON, and what it costs."""

import re
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dlq.models import Death, Group, Letter
from kit import clock
from kit.models import ApiToken, User
from lag.models import Snapshot, Standing, Stream
from tests.tracing.making import at, event, receipt
from tests.tracing.seeding import seed
from tracing import summariser

pytestmark = pytest.mark.django_db

PAGE_QUERIES = 11  # session, person, the counts of the sidebar, and what the map is made of


@pytest.fixture
def viewer(client: Client) -> Client:
    client.force_login(User.objects.create_user("eve", role="viewer"))
    return client


def standing(name: str, topic_name: str, verdict: str, **more: object) -> None:
    now = clock.now()
    fields: dict[str, object] = {"oldest_s": 0.0, "out_per_min": 40.0, "method": "exact", **more}
    Standing.objects.create(
        broker="shop",
        topic=topic_name,
        consumer=name,
        verdict=verdict,
        sampled_at=now,
        since=now,
        moved_at=now,
        **fields,
    )


def learn(suffix: str = "") -> None:
    """A service, two topics and a consumer that publishes, seen just now."""
    shift = (clock.now() - at(0)).total_seconds() - 30
    placed = event(
        f"placed{suffix}", "OrderPlaced", shift, broker="shop", topic="orders", flow_id=f"f{suffix}"
    )
    captured = event(
        f"captured{suffix}",
        f"Captured{suffix}",
        shift + 2,
        broker="shop",
        topic=f"payments{suffix}",
        flow_id=f"f{suffix}",
    )
    handled = receipt(
        f"placed{suffix}",
        f"payment{suffix}",
        "succeeded",
        shift + 1,
        published=(captured.event_id,),
    )
    seed([placed, captured], [handled])
    summariser.summarise_all()


def die(number: int, minutes_ago: float) -> None:
    """Open letters of payment that died then."""
    moment = clock.now() - timedelta(minutes=minutes_ago)
    times = {"first_at": moment, "last_at": moment}
    group = Group.objects.create(
        fingerprint=f"1:{minutes_ago}",
        broker="shop",
        consumer="payment",
        letters=number,
        open_letters=number,
        **times,
    )
    for n in range(number):
        letter = Letter.objects.create(
            group=group,
            identity_key=f"{minutes_ago}-{n}",
            broker="shop",
            consumer="payment",
            event_identity=b"x",
            first_died_at=moment,
            died_at=moment,
        )
        Death.objects.create(
            letter=letter, broker="shop", stream="q", position=letter.identity_key, died_at=moment
        )


def page(client: Client, url: str = "/topology") -> str:
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def test_an_empty_topology_says_so(viewer: Client) -> None:
    text = page(viewer)
    assert "Nothing to draw yet" in text
    assert 'aria-current="page"' in re.search(r'href="/topology"[^>]*', text).group()  # type: ignore[union-attr]


def test_the_map_shows_publisher_topic_consumer_with_lag_and_deaths(viewer: Client) -> None:
    learn()
    standing("payment", "orders", "ok")
    standing("console-tap", "orders", "ok")
    standing("analytics", "orders", "falling_behind", oldest_s=492.0)
    die(6, 3)
    text = page(viewer)
    shown = text.replace("\N{NO-BREAK SPACE}", " ")
    for words in ("1 service", "2 topics", "2 consumers", "8 min 12 s behind", "6 dead, 0.6/min"):
        assert words in shown
    assert "2 % dies" in shown  # 0.6 of 40
    assert "console-tap" not in text
    assert "/dead-letters?consumer=payment" in text
    assert "<svg" in text
    assert " style=" not in text


def test_old_letters_hang_there_without_alarm(viewer: Client) -> None:
    learn()
    standing("payment", "orders", "ok", oldest_s=2.0)
    die(4, 45)
    text = page(viewer).replace("\N{NO-BREAK SPACE}", " ")
    assert "4 dead" in text
    assert "keeps up, 2 s" in text
    assert "dies" not in text


def test_the_table_says_the_same(viewer: Client) -> None:
    learn()
    text = page(viewer, "/topology?view=table")
    rows = Counter(re.findall(r"<td>(consumes|publishes)</td>", text))
    assert rows == {"publishes": 2, "consumes": 1}
    assert "lag unknown" in text


def test_a_broker_is_shown_alone(viewer: Client) -> None:
    learn()
    now = clock.now()
    Snapshot.objects.create(broker="far", at=now, sampled_at=now)
    Stream.objects.create(
        broker="far", stream="lonely", topic="lonely", role="topic", sampled_at=now, length=1
    )
    assert "lonely" in page(viewer)
    assert "lonely" in page(viewer, "/topology?broker=far")
    assert "payments" not in page(viewer, "/topology?broker=far")
    assert "lonely" not in page(viewer, "/topology?broker=shop")


def test_too_many_nodes_are_a_table(viewer: Client) -> None:
    for n in range(130):
        standing(f"c{n}", "orders", "ok")
    text = page(viewer)
    assert "do not make a map" in text
    assert ">c129<" in text


def test_the_page_costs_the_same_for_many_as_for_few(viewer: Client) -> None:
    learn()
    die(1, 2)

    def cost() -> int:
        with CaptureQueriesContext(connection) as asked:
            page(viewer)
        return len(asked)

    few = cost()
    for n in range(8):
        learn(str(n))
        standing(f"payment{n}", "orders", "ok")
    die(5, 3)
    assert cost() == few <= PAGE_QUERIES


def test_an_unchanged_map_answers_304(viewer: Client) -> None:
    standing("payment", "orders", "ok")
    headers = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "div#topology"}
    first = viewer.get("/topology", headers=headers)
    assert b"<html" not in first.content
    headers["HX-PTag"] = first["HX-PTag"]
    assert viewer.get("/topology", headers=headers).status_code == 304
    standing("late", "orders", "ok")
    assert viewer.get("/topology", headers=headers).status_code == 200


def test_the_api_tells_what_is_known_and_what_is_not() -> None:
    learn()
    standing("payment", "orders", "ok", out_per_min=None)
    assert Client().get("/api/topology").status_code == 401
    _, token = ApiToken.issue(User.objects.create_user("u"), "test", ["read"])
    headers = {"Authorization": f"Bearer {token}"}
    found = Client().get("/api/topology", headers=headers).json()
    assert found["services"] == [{"source": "/shop/orders"}]
    assert {one["name"]: one["partitions"] for one in found["topics"]} == {
        "orders": None,
        "payments": None,
    }
    assert [one["handled_per_minute"] for one in found["consumers"]] == [None]
    assert [(one["kind"], one["party"], one["topic"]) for one in found["publishes"]] == [
        ("consumer", "payment", "payments"),
        ("service", "/shop/orders", "orders"),
    ]
    assert [one["types"] for one in found["consumes"]] == [["OrderPlaced"]]
    assert Client().get("/api/topology?broker=other", headers=headers).json()["topics"] == []
