"""The pure reconstruction: the same for every order of arrival, evidence on every edge."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tracing.making import at, event, ident, receipt, shop
from tracing.cascade import (
    Cascade,
    Delivery,
    DeliveryState,
    Evidence,
    SegmentKind,
    build,
    deliveries,
    raw,
)
from tracing.cascade.model import delivery_node_id, event_node_id
from tracing.rows import ReceiptRow


def delivery(cascade: Cascade, event_id: str, consumer: str) -> Delivery:
    """The delivery of one event to one consumer."""
    node = cascade.nodes.get(delivery_node_id(ident(event_id), consumer))
    assert isinstance(node, Delivery)
    return node


def states(*receipts: ReceiptRow) -> DeliveryState:
    """The state of the one delivery these receipts speak of."""
    return build("f", [event("e", "E", 0)], receipts).deliveries[0].state


def kinds(cascade: Cascade) -> set[str]:
    """The kinds of anomaly found."""
    return {anomaly.kind for anomaly in cascade.anomalies}


@given(st.data())
def test_any_order_of_arrival_gives_the_same_cascade(data: st.DataObject) -> None:
    events, receipts, appearances = shop()
    expected = build("f", events, receipts, appearances, terminal=("OrderShipped",))
    again = build(
        "f",
        data.draw(st.permutations(events)),
        data.draw(st.permutations([*receipts, receipts[0]])),
        data.draw(st.permutations([*appearances, appearances[0]])),
        terminal=("OrderShipped",),
    )
    assert again == expected
    assert again.outline == expected.outline
    assert again.critical_path == expected.critical_path


NAMES = ("a", "b", "c", "d")
links = st.lists(st.sampled_from([*NAMES, "never"]), max_size=3)
random_event = st.builds(
    lambda name, second, causes: event(name, name.upper(), second, *causes),
    st.sampled_from(NAMES),
    st.integers(0, 5),
    links,
)
random_receipt = st.builds(
    lambda name, consumer, outcome, second, number, published: receipt(
        name, consumer, outcome, second, attempt=number, published=published
    ),
    st.sampled_from([*NAMES, "never"]),
    st.sampled_from(["x", "y"]),
    st.sampled_from(["started", "succeeded", "retrying", "dead_lettered", "skipped"]),
    st.integers(-2, 9),
    st.integers(1, 3),
    links,
)


@given(st.data())
def test_any_graph_is_whole_and_independent_of_order(data: st.DataObject) -> None:
    rows = data.draw(st.lists(random_event, max_size=6, unique_by=lambda row: row.identity))
    receipts = data.draw(
        st.lists(random_receipt, max_size=8, unique_by=lambda row: row.receipt_identity)
    )
    cascade = build("f", rows, receipts)
    shuffled = build("f", data.draw(st.permutations(rows)), data.draw(st.permutations(receipts)))
    assert shuffled == cascade
    assert shuffled.outline == cascade.outline
    nodes = cascade.nodes.keys()
    assert sorted(line.node.id for line in cascade.outline) == sorted(nodes)
    assert all(edge.origin in nodes and edge.target in nodes for edge in cascade.edges)
    assert all(segment.seconds > 0 for segment in cascade.critical_path)
    assert all(a.node in nodes for a in cascade.anomalies)


def test_edges_bear_their_evidence_and_fan_in_keeps_both_causes() -> None:
    events, receipts, _ = shop()
    cascade = build("f", events, receipts)
    into = {
        (edge.origin, edge.evidence)
        for edge in cascade.edges
        if edge.target == event_node_id(ident("shipped"))
    }
    assert into == {
        (event_node_id(ident("captured")), Evidence.CAUSATION),
        (event_node_id(ident("reserved")), Evidence.CAUSATION),
        (delivery_node_id(ident("captured"), "fulfilment"), Evidence.DELIVERY),
    }


def test_the_outline_puts_an_event_under_the_delivery_that_emitted_it() -> None:
    events, receipts, _ = shop()
    lines = build("f", events, receipts).outline
    place = {line.node.id: line for line in lines}
    shipped = place[event_node_id(ident("shipped"))]
    assert shipped.parent is not None
    parent = lines[shipped.parent].node
    assert isinstance(parent, Delivery)
    assert (parent.consumer, shipped.depth) == ("fulfilment", 4)
    assert lines[0].node.id == event_node_id(ident("placed"))


def test_attempts_are_children_of_one_delivery_with_their_pauses() -> None:
    events, receipts, _ = shop()
    payment = delivery(build("f", events, receipts), "placed", "payment")
    assert payment.state is DeliveryState.SUCCEEDED
    said = [(a.number, a.outcome, a.retry_in_s) for a in payment.attempts]
    assert said == [(1, "retrying", 1.0), (2, "retrying", 2.0), (3, "succeeded", None)]


def test_started_and_its_outcome_are_one_attempt() -> None:
    rows = [receipt("e", "c", "started", 1, 0), receipt("e", "c", "succeeded", 1, 8)]
    found = build("f", [event("e", "E", 0)], rows).deliveries[0]
    assert [(a.outcome, a.took_s) for a in found.attempts] == [("succeeded", 8.0)]


DEAD = receipt("e", "c", "dead_lettered", 2, attempt=5)
LETTER = receipt("e", "c", "dead_lettered", 2.2, origin="letter", letter_id=7)
REPLAYED = receipt("e", "c", "replayed", 60, origin="letter", letter_id=7, replay_attempt="r1")
AGAIN = receipt("e", "c", "succeeded", 61, replay_attempt="r1")


@pytest.mark.parametrize(
    ("rows", "state"),
    [
        ([receipt("e", "c", "started", 1)], DeliveryState.RUNNING),
        ([receipt("e", "c", "retrying", 1)], DeliveryState.RETRYING),
        ([DEAD], DeliveryState.FAILED),
        ([DEAD, LETTER], DeliveryState.FAILED),
        ([LETTER], DeliveryState.FAILED),
        ([DEAD, LETTER, REPLAYED], DeliveryState.REPLAYING),
        ([DEAD, LETTER, REPLAYED, AGAIN], DeliveryState.MENDED),
        ([DEAD, AGAIN], DeliveryState.MENDED),
        ([DEAD, LETTER, receipt("e", "c", "mended", 70, origin="letter")], DeliveryState.MENDED),
        ([LETTER, receipt("e", "c", "discarded", 9, origin="letter")], DeliveryState.DISCARDED),
        ([receipt("e", "c", "skipped", 1)], DeliveryState.SKIPPED),
    ],
)
def test_the_state_of_a_delivery(rows: list[ReceiptRow], state: DeliveryState) -> None:
    assert states(*rows) is state
    assert states(*reversed(rows)) is state


GUESS = receipt("a", "payment", "handled", 0, origin="inferred")
RUNS = receipt("a", "payment", "started", 3, origin="inferred", attempt=2, process="p1")


@pytest.mark.parametrize(
    ("rows", "state", "evidence"),
    [
        ([GUESS], DeliveryState.HANDLED, Evidence.INFERRED),
        ([RUNS], DeliveryState.RUNNING, Evidence.INFERRED),
        ([GUESS, receipt("a", "payment", "retrying", 1)], DeliveryState.RETRYING, None),
        ([RUNS, receipt("a", "payment", "succeeded", 1)], DeliveryState.SUCCEEDED, None),
        (
            [GUESS, receipt("a", "payment", "dead_lettered", 9, origin="letter", letter_id=1)],
            *(DeliveryState.FAILED, Evidence.INFERRED),
        ),
        (
            [RUNS, receipt("a", "payment", "discarded", 1, origin="letter", letter_id=1)],
            *(DeliveryState.DISCARDED, Evidence.INFERRED),
        ),
    ],
)
def test_what_is_inferred_counts_where_nothing_was_said(
    rows: list[ReceiptRow], state: DeliveryState, evidence: Evidence | None
) -> None:
    for order in (rows, rows[::-1]):
        (found,) = deliveries(order, {ident("a"): at(0)})
        assert (found.state, found.evidence) == (state, evidence or Evidence.DELIVERY)
        assert all(one.inferred == (evidence is not None) for one in found.attempts)


def test_how_long_an_inferred_delivery_took_is_unknown() -> None:
    (found,) = deliveries([GUESS], {ident("a"): at(0)})
    assert (found.last_took_s, found.start_known, found.tries) == (None, False, 1)
    assert found.tried == ((found.attempts[0], True),)
    (found,) = deliveries([RUNS], {ident("a"): at(0)})
    assert (found.start_known, found.attempts[0].number) == (True, 2)
    assert found.tried == ((found.attempts[0], False),)


def test_a_second_replay_is_awaited_though_the_first_was_answered() -> None:
    failed = receipt("e", "c", "dead_lettered", 61, replay_attempt="r1")
    second = receipt("e", "c", "replayed", 90, origin="letter", replay_attempt="r2")
    assert states(DEAD, LETTER, REPLAYED, failed, second) is DeliveryState.REPLAYING


def test_a_replay_answered_by_a_process_whose_clock_is_behind_counts() -> None:
    early = receipt("e", "c", "succeeded", 58, replay_attempt="r1")
    assert states(DEAD, LETTER, REPLAYED, early) is DeliveryState.MENDED


def test_a_consumer_is_moved_to_the_send_and_never_earlier() -> None:
    rows = [
        receipt("e", "behind", "retrying", -0.004, 0.1),
        receipt("e", "behind", "succeeded", 1.0, 0.1, attempt=2),
        receipt("e", "late", "succeeded", 500),
    ]
    cascade = build("f", [event("e", "E", 0)], rows)
    behind, late = delivery(cascade, "e", "behind"), delivery(cascade, "e", "late")
    assert behind.attempts[0].started_at == at(0)
    assert behind.attempts[0].raw_started_at == at(-0.004)
    # the pause between the tries is the process's own and stays
    assert behind.attempts[1].started_at - behind.attempts[0].started_at == timedelta(seconds=1.004)
    assert late.attempts[0].started_at == at(500)
    assert kinds(cascade) == {"clock_skew"}


def test_a_cause_not_seen_has_a_placeholder() -> None:
    cascade = build("f", [event("b", "B", 1, "gone")], [])
    missing = [node for node in cascade.events if not node.seen]
    assert [node.name for node in missing] == ["event gone"]
    assert kinds(cascade) == {"orphan"}
    assert cascade.outline[0].node == missing[0]


def test_an_unseen_cause_and_the_receipt_that_handled_it_are_one_placeholder() -> None:
    rows = [receipt("gone", "c", "succeeded", 0.5, published=("b",))]
    cascade = build("f", [event("b", "B", 1, "gone")], rows)
    assert [node.name for node in cascade.events if not node.seen] == ["event gone"]
    assert [line.depth for line in cascade.outline] == [0, 1, 2]


def test_a_cause_of_another_flow_is_a_node_from_outside() -> None:
    cascade = build("f", [event("b", "B", 1, "a")], [], outside=[event("a", "A", 0, flow_id="g")])
    assert [(n.name, n.outside) for n in cascade.events] == [("A", True), ("B", False)]
    assert kinds(cascade) == set()


def test_a_circle_of_causes_is_drawn_and_said() -> None:
    rows = [event("a", "A", 0, "b"), event("b", "B", 1, "a"), event("c", "C", 2, "b")]
    cascade = build("f", rows, [])
    assert len(cascade.outline) == 3
    circle = {a.node for a in cascade.anomalies if a.kind == "cycle"}
    assert circle == {event_node_id(ident("a")), event_node_id(ident("b"))}


def test_the_critical_path_leads_to_the_declared_end_and_adds_up() -> None:
    events, receipts, _ = shop()
    path = build("f", events, receipts, terminal=("OrderShipped",)).critical_path
    assert sum(segment.seconds for segment in path) == pytest.approx(5.0)
    shares = {kind: sum(s.seconds for s in path if s.kind is kind) for kind in SegmentKind}
    assert shares[SegmentKind.BACKOFF] == pytest.approx(3.1)
    assert shares[SegmentKind.QUEUE] == pytest.approx(0.6 + 0.4)
    assert shares[SegmentKind.HANDLING] == pytest.approx(0.3 + 0.4)


def test_the_critical_path_of_a_failed_flow_ends_where_it_gave_up() -> None:
    cascade = build("f", [event("e", "E", 0), event("z", "Z", 99, "e")], [DEAD])
    assert cascade.critical_path[-1].node == delivery_node_id(ident("e"), "c")
    assert sum(s.seconds for s in cascade.critical_path) == pytest.approx(2.1)


def test_waiting_for_a_person_is_on_the_path_as_itself() -> None:
    again = receipt("e", "c", "succeeded", 62, replay_attempt="r1", published=("z",))
    rows = [event("e", "E", 0), event("z", "Z", 62.1, "e")]
    path = build("f", rows, [DEAD, LETTER, REPLAYED, again], terminal=("Z",)).critical_path
    dead = [segment.seconds for segment in path if segment.kind is SegmentKind.DEAD]
    assert dead == [pytest.approx(59.9)]


def test_raw_clocks_move_every_delivery_back_to_what_its_process_said() -> None:
    rows = [
        receipt("e", "behind", "retrying", -4, 1),
        receipt("e", "behind", "succeeded", 1, attempt=2),
        receipt("e", "right", "succeeded", 3),
    ]
    adjusted = build("f", [event("e", "E", 0)], rows)
    said = raw(adjusted)
    behind = delivery(said, "e", "behind")
    assert [one.started_at for one in behind.attempts] == [at(-4), at(1)]
    assert (behind.started_at, behind.ended_at) == (at(-4), at(1.1))
    moved = delivery(adjusted, "e", "behind")
    assert (moved.started_at, moved.raw_started_at, moved.raw_ended_at) == (at(0), at(-4), at(1.1))
    assert delivery(said, "e", "right") == delivery(adjusted, "e", "right")
    assert said.nodes.keys() == adjusted.nodes.keys()
