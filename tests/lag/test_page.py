"""The page and the API of lag, from rows as a sampler leaves them."""

import json
import re
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

from kit import clock
from kit.models import ApiToken, User
from lag.models import Depth, Position, Sample, Snapshot, Standing, Stream

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer(client: Client) -> Client:
    client.force_login(User.objects.create_user("eve", role="viewer"))
    return client


def standing(consumer: str, verdict: str = "ok", topic: str = "orders", **values: object) -> None:
    now = clock.now()
    fields: dict[str, object] = {
        "messages": 0,
        "method": "exact",
        "oldest_s": 0.0,
        "pending": 0,
        "oldest_pending_s": 0.0,
        "processes": 1,
        "in_per_min": 41.0,
        "out_per_min": 41.0,
        "lost": 0,
        **values,
    }
    Standing.objects.create(
        broker="shop",
        topic=topic,
        consumer=consumer,
        sampled_at=now,
        verdict=verdict,
        since=now - timedelta(minutes=9),
        moved_at=now,
        **fields,
    )


@pytest.fixture
def shop() -> None:
    now = clock.now()
    Snapshot.objects.create(broker="shop", at=now, sampled_at=now, took_ms=12)
    common = {"broker": "shop", "sampled_at": now, "first_at": now - timedelta(days=2)}
    Stream.objects.create(stream="orders.0", topic="orders", role="topic", length=1200, **common)
    Stream.objects.create(stream="audit", topic="audit", role="topic", length=3, **common)
    Stream.objects.create(
        stream="orders.payment.dlq", topic="orders", role="dead_letters", length=3, **common
    )
    Depth.objects.create(
        broker="shop",
        stream="orders.payment.dlq",
        consumer="payment",
        sampled_at=now,
        messages=3,
        oldest_at=now - timedelta(hours=1),
    )
    Position.objects.create(
        broker="shop",
        stream="orders.0",
        topic="orders",
        consumer="analytics",
        sampled_at=now,
        messages=336,
        method="exact",
        oldest_s=492.0,
        oldest_pending_s=6.0,
        pending=2,
        processes=2,
    )
    standing("payment")
    standing(
        "analytics",
        "falling_behind",
        messages=336,
        oldest_s=492.0,
        pending=2,
        out_per_min=15.0,
        reason="handles 15 of 41 a minute",
        rule="grew in 10 of 10 samples",
    )
    standing("bi-export", "catching_up", messages=10_000, method="bounded", oldest_s=18_180.0)
    standing("label-printer", "unknown", topic="labels", messages=17, oldest_s=None)


def text_of(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


@pytest.mark.usefixtures("shop")
def test_worst_first_with_reason_and_the_worst_open(viewer: Client) -> None:
    page = viewer.get("/lag").content.decode()
    names = re.findall(r'id="lag-\d+".*?</svg> ([\w-]+)</a>', page)
    assert names == ["analytics", "bi-export", "payment", "label-printer"]
    assert page.count('aria-expanded="true"') == 1
    words = text_of(viewer, "/lag")
    assert "4 consumers on 2 topics. analytics falls behind" in words
    assert "handles 15 of 41 a minute" in words
    assert "grew in 10 of 10 samples" in words
    assert "≥ 10,000" in words
    assert "but 3 dead letters" in words
    assert "audit shop, 1 partition" in words
    assert "no consumer reads it" in words


@pytest.mark.usefixtures("shop")
def test_unknown_is_never_zero(viewer: Client) -> None:
    page = viewer.get("/lag?q=label").content.decode()
    assert '<span class="how dash">unknown</span>' in page


@pytest.mark.usefixtures("shop")
def test_the_state_is_in_the_url(viewer: Client) -> None:
    assert "payment" not in re.findall(r"</svg> ([\w-]+)</a>", _body(viewer, "/lag?q=anal"))
    assert re.findall(r"</svg> ([\w-]+)</a>", _body(viewer, "/lag?verdict=unknown")) == [
        "label-printer"
    ]
    assert 'aria-expanded="true"' not in _body(viewer, "/lag?open=none")
    opened = _body(viewer, "/lag?open=shop/orders/payment")
    assert re.search(r'aria-expanded="true">.*?</svg> payment</a>', opened)
    by_verdict = text_of(viewer, "/lag?by=verdict&open=none")
    assert by_verdict.index("Falling behind") < by_verdict.index("Catching up")
    assert "No consumer matches" in _body(viewer, "/lag?q=nothing-like-it")


@pytest.mark.usefixtures("shop")
def test_a_region_that_did_not_change_is_304(viewer: Client) -> None:
    headers = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "section#lag"}
    first = viewer.get("/lag", headers=headers)
    assert first.content.startswith(b'<section id="lag"')
    again = viewer.get("/lag", headers={**headers, "HX-PTag": first["HX-PTag"]})
    assert again.status_code == 304
    Standing.objects.filter(consumer="payment").update(messages=5, oldest_s=3)
    changed = viewer.get("/lag", headers={**headers, "HX-PTag": first["HX-PTag"]})
    assert changed.status_code == 200


def test_nothing_yet_says_what_to_do(viewer: Client) -> None:
    assert "Nothing was sampled yet" in _body(viewer, "/lag")


@pytest.mark.usefixtures("shop")
def test_a_broker_that_does_not_answer_is_said_with_its_age(viewer: Client) -> None:
    Snapshot.objects.update(error="Redis cannot be reached", failing_since=clock.now())
    page = _body(viewer, "/lag")
    assert "does not answer" in page
    assert "stackable dim" in page


@pytest.mark.usefixtures("shop")
def test_charts_of_the_open_row(viewer: Client) -> None:
    now = clock.now()
    for number in range(20):
        Sample.objects.create(
            broker="shop",
            topic="orders",
            consumer="analytics",
            at=now - timedelta(minutes=20 - number),
            messages=number,
            oldest_s=number * 30.0,
            arrived=number * 41,
            handled=number * 15,
        )
    page = _body(viewer, "/lag")
    block = re.search(r'<script id="lag-age" type="application/json">(.*?)</script>', page)
    assert block
    chart = json.loads(block[1])
    assert max(chart["series"][0]["y"]) == 9.5  # minutes
    assert "Age of the oldest message, minutes" in page


@pytest.mark.usefixtures("shop")
def test_many_consumers_take_a_fixed_number_of_queries(
    viewer: Client, django_assert_max_num_queries: object
) -> None:
    for number in range(400):
        standing(f"consumer-{number:03}")
    with django_assert_max_num_queries(16):  # type: ignore[operator]
        page = _body(viewer, "/lag")
    assert "The worst 300 of 404 are shown" in page


@pytest.mark.usefixtures("shop")
def test_the_api_and_the_command_say_the_same(client: Client) -> None:
    _, token = ApiToken.issue(User.objects.create_user("bot", role="viewer"), "t", ["read"])
    answer = client.get("/api/lag", headers={"Authorization": f"Bearer {token}"})
    document = answer.json()
    assert (document["count"], document["next"], document["estimated"]) == (4, None, False)
    worst = document["items"][0]
    assert (worst["consumer"], worst["verdict"], worst["messages"]) == (
        "analytics",
        "falling_behind",
        336,
    )
    assert worst["streams"][0]["stream"] == "orders.0"
    unknown = next(item for item in document["items"] if item["consumer"] == "label-printer")
    assert unknown["oldest_s"] is None
    assert document["depths"][0]["messages"] == 3
    said = StringIO()
    call_command("lag", "--json", stdout=said)
    assert json.loads(said.getvalue()) == document
    table = StringIO()
    call_command("lag", "--verdict", "falling_behind", stdout=table)
    assert "analytics" in table.getvalue()
    assert "payment" not in table.getvalue()


def test_only_for_those_who_may(client: Client) -> None:
    assert client.get("/lag").status_code == 302
    assert client.get("/api/lag").status_code == 401
    _, token = ApiToken.issue(User.objects.create_user("bot", role="viewer"), "t", ["ingest"])
    refused = client.get("/api/lag", headers={"Authorization": f"Bearer {token}"})
    assert refused.status_code == 403


def _body(client: Client, url: str) -> str:
    return client.get(url).content.decode()
