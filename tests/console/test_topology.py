"""The topology's pure parts: who publishes, and where everything lies on the map."""

from datetime import UTC, datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from console.topology.graph import Kind, Link, Place, Taking, links
from console.topology.layout import HIGH, LABEL_HIGH, NODE, SLOT, Map, layout
from tracing.ways import Rates, Way

NOW = datetime(2026, 8, 18, 14, tzinfo=UTC)
RATES = Rates({("shop", "orders", "/shop/orders", "OrderPlaced"): 41.0}, 0.0)


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


def test_a_source_with_a_password_is_masked() -> None:
    placed = Way("shop", "orders", "OrderPlaced", "amqp://shop:hunter2@mq/orders", "")
    (found,) = links([(placed, NOW)], RATES, [])
    assert "hunter2" not in found.origin.name
    assert "shop" in found.origin.name


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


def test_a_type_too_rare_to_be_counted_does_not_hide_the_others() -> None:
    placed = Way("shop", "orders", "OrderPlaced", "/shop/orders", "")
    rare = placed._replace(type="OrderAudited")
    busy = Rates(RATES.per_minute, None)
    assert [one.per_minute for one in links([(placed, NOW), (rare, NOW)], busy, [])] == [41.0]
    assert [one.per_minute for one in links([(rare, NOW)], busy, [])] == [None]


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
    crossing = [link(topic(f"t{n}"), consumer(f"c{m}")) for n in range(3) for m in range(3)]
    found = layout(crossing)
    ys = sorted(line.label[1] for line in found.lines if line.label)
    assert len(ys) >= 5
    assert all(below - above >= LABEL_HIGH for above, below in pairwise(ys))
