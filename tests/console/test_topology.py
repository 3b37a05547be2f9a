"""The topology: the pure graph and layout, the page, its table, its API and what they cost."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from console.topology.graph import Kind, Link, Place, Taking, links
from console.topology.layout import HIGH, NODE, SLOT, Map, layout
from dlq.models import Death, Group, Letter
from kit import clock
from kit.models import ApiToken, User
from lag.models import Snapshot, Standing, Stream
from tests.tracing.making import at, event, receipt
from tests.tracing.seeding import seed
from tracing import summariser
from tracing.routes import Rates, Way

NOW = datetime(2026, 8, 18, 14, tzinfo=UTC)
RATES = Rates({("shop", "orders", "/shop/orders", "OrderPlaced"): 41.0}, 0.0)
PAGE_QUERIES = 11  # session, person, the counts of the sidebar, and what the map is made of


def service(name: str) -> Place:
    return Place(Kind.SERVICE, "", name)


def topic(name: str, broker: str = "shop") -> Place:
    return Place(Kind.TOPIC, broker, name)


def consumer(name: str, broker: str = "shop") -> Place:
    return Place(Kind.CONSUMER, broker, name)


def link(origin: Place, target: Place) -> Link:
    return Link(origin, target, (), None, None)


def column(found: Map, place: Place) -> int:
    """The column of a place, counted from the left."""
    xs = sorted({spot.x for spot in found.spots})
    return xs.index(next(spot.x for spot in found.spots if spot.place == place))


SHOP = [
    link(service("/shop/orders"), topic("orders")),
    link(topic("orders"), consumer("payment")),
    link(topic("orders"), consumer("inventory")),
    link(consumer("payment"), topic("payments")),
    link(consumer("inventory"), topic("stock")),
    link(topic("payments"), consumer("fulfilment")),
    link(topic("payments"), consumer("inventory")),
    link(topic("stock"), consumer("fulfilment")),
    link(consumer("fulfilment"), topic("orders")),
]


def test_who_publishes_is_told_by_receipts_and_else_by_the_source() -> None:
    placed = Way("shop", "orders", "OrderPlaced", "/shop/orders", "")
    early = Way("shop", "payments", "PaymentCaptured", "/shop/payment", "")
    told = early._replace(consumer="payment")
    handled = Way("shop", "orders", "OrderPlaced", "", "payment")
    ways = [(way, NOW) for way in (placed, early, told, handled)]
    found = links(ways, RATES, [Taking("shop", "orders", "bi", "ok", 12.0)])
    assert {(one.origin, one.target, one.types, one.per_minute) for one in found} == {
        (service("/shop/orders"), topic("orders"), ("OrderPlaced",), 41.0),
        (topic("orders"), consumer("payment"), ("OrderPlaced",), None),
        (
            consumer("payment"),
            topic("payments"),
            ("PaymentCaptured",),
            0.0,
        ),
        (topic("orders"), consumer("bi"), (), 12.0),
    }
    assert links(ways[::-1], RATES, []) == links(ways, RATES, [])


def test_a_service_and_a_consumer_may_share_a_source() -> None:
    ways = [
        Way("shop", "t", "A", "/app", "one"),
        Way("shop", "t", "B", "/app", "two"),
        Way("shop", "t", "C", "/app", ""),
    ]
    found = links([(way, NOW) for way in ways], RATES, [])
    origins = {one.origin for one in found}
    assert origins == {consumer("one"), consumer("two"), service("/app")}


def test_every_place_stands_in_the_column_of_its_shortest_way() -> None:
    found = layout(SHOP)
    names = ["/shop/orders", "orders", "inventory", "payments", "fulfilment"]
    places = {spot.place.name: spot.place for spot in found.spots}
    assert [column(found, places[name]) for name in names] == [0, 1, 2, 3, 4]
    assert found.width == 1080


def test_what_leads_back_runs_below_everything() -> None:
    found = layout(SHOP)
    lowest = max(spot.y for spot in found.spots) + HIGH
    back = [line for line in found.lines if "V" in line.path]
    assert {(line.link.origin.name, line.link.target.name) for line in back} == {
        ("payments", "inventory"),
        ("fulfilment", "orders"),
    }
    assert all(line.label and line.label[1] > lowest for line in back)
    assert len({line.label for line in back}) == 2


def test_the_map_is_the_same_in_any_order_and_at_any_rate() -> None:
    busy = [Link(one.origin, one.target, ("E",), 930.0, NOW, "stalled") for one in SHOP[::-1]]
    assert set(layout(busy).spots) == set(layout(SHOP).spots)


def test_brokers_have_bands_of_their_own() -> None:
    other = [
        link(consumer("fulfilment"), topic("labels", "warehouse")),
        link(topic("labels", "warehouse"), consumer("printer", "warehouse")),
    ]
    found = layout([*SHOP, *other])
    assert [ground.broker for ground in found.grounds] == ["shop", "warehouse"]
    for ground in found.grounds:
        own = [spot for spot in found.spots if spot.place.broker == ground.broker]
        assert all(ground.y < s.y and s.y + HIGH < ground.y + ground.height for s in own)


def test_a_topic_without_a_publisher_and_one_alone_are_drawn() -> None:
    found = layout([link(topic("orders"), consumer("payment"))], [topic("audit")])
    assert {(spot.place.name, spot.x) for spot in found.spots} >= {("orders", 12), ("audit", 12)}
    assert len(found.spots) == 3


def test_a_circle_without_a_beginning_is_drawn() -> None:
    found = layout([link(topic("a"), consumer("c")), link(consumer("c"), topic("a"))])
    assert [column(found, topic("a")), column(found, consumer("c"))] == [0, 1]


topics = st.integers(0, 6).map(lambda n: topic(f"t{n}", f"b{n % 2}"))
parties = st.integers(0, 6).map(lambda n: consumer(f"c{n}", f"b{n % 2}"))
services = st.integers(0, 3).map(lambda n: service(f"s{n}"))
pairs = st.one_of(
    st.tuples(services, topics), st.tuples(topics, parties), st.tuples(parties, topics)
)


@given(st.lists(pairs, min_size=1, max_size=30, unique=True))
def test_no_two_nodes_touch_and_all_are_on_the_map(ends: list[tuple[Place, Place]]) -> None:
    found = layout([link(*pair) for pair in ends])
    assert {spot.place for spot in found.spots} == {place for pair in ends for place in pair}
    by_x: dict[float, list[float]] = {}
    for spot in found.spots:
        by_x.setdefault(spot.x, []).append(spot.y)
        assert spot.x + NODE <= found.width
        assert spot.y + HIGH <= found.height
    for ys in by_x.values():
        assert all(below - above >= SLOT - 0.2 for above, below in pairwise(sorted(ys)))
    assert len(found.lines) == len(ends)


def test_labels_do_not_lie_on_each_other() -> None:
    found = layout([link(topic("t"), consumer(f"c{n}")) for n in range(9)])
    ys = sorted(line.label[1] for line in found.lines if line.label)
    assert len(ys) >= 8
    assert all(below - above >= 16 for above, below in pairwise(ys))


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


@pytest.mark.django_db
def test_an_empty_topology_says_so(viewer: Client) -> None:
    text = page(viewer)
    assert "Nothing to draw yet" in text
    assert 'aria-current="page"' in re.search(r'href="/topology"[^>]*', text).group()  # type: ignore[union-attr]


@pytest.mark.django_db
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


@pytest.mark.django_db
def test_old_letters_hang_there_without_alarm(viewer: Client) -> None:
    learn()
    standing("payment", "orders", "ok", oldest_s=2.0)
    die(4, 45)
    text = page(viewer).replace("\N{NO-BREAK SPACE}", " ")
    assert "4 dead" in text
    assert "keeps up, 2 s" in text
    assert "dies" not in text


@pytest.mark.django_db
def test_the_table_says_the_same(viewer: Client) -> None:
    learn()
    text = page(viewer, "/topology?view=table")
    rows = Counter(re.findall(r"<td>(consumes|publishes)</td>", text))
    assert rows == {"publishes": 2, "consumes": 1}
    assert "lag unknown" in text


@pytest.mark.django_db
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


@pytest.mark.django_db
def test_too_many_nodes_are_a_table(viewer: Client) -> None:
    for n in range(130):
        standing(f"c{n}", "orders", "ok")
    text = page(viewer)
    assert "do not make a map" in text
    assert ">c129<" in text


@pytest.mark.django_db
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


@pytest.mark.django_db
def test_an_unchanged_map_answers_304(viewer: Client) -> None:
    standing("payment", "orders", "ok")
    headers = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "div#topology"}
    first = viewer.get("/topology", headers=headers)
    assert b"<html" not in first.content
    headers["HX-PTag"] = first["HX-PTag"]
    assert viewer.get("/topology", headers=headers).status_code == 304
    standing("late", "orders", "ok")
    assert viewer.get("/topology", headers=headers).status_code == 200


@pytest.mark.django_db
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
