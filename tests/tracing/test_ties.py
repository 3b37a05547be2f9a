"""Which flow a name leads to, out of ties: a table of every rule, and the same in any order."""

import pytest

from tests.tracing.making import event, ident, receipt
from tracing.ties import (
    CAUSATION,
    CLAIMS,
    CONVERSATION,
    DELIVERY,
    FOLLOWS,
    HAS,
    HOLDS,
    LINK,
    MANY,
    MEMBER,
    OWNS,
    SEEKS,
    STEPS,
    TRACE,
    Tie,
    aliases,
    correlated,
    event_name,
    identity_name,
    is_trace,
    told,
)

T1, T2, T3, E1, E2 = ("1" * 32, "2" * 32, "3" * 32, "e" * 32, "f" * 32)
ID = event_name("a")


def has(flow_id: str, relation: str = HAS, name: str = ID) -> Tie:
    return Tie(name, relation, flow_id, MEMBER)


ROWS: list[tuple[str, list[Tie], dict[str, str]]] = [
    ("a trace that a correlation bears", [Tie(T1, OWNS, "c", TRACE)], {T1: "c"}),
    (
        "a trace of two correlations is a name of neither",
        [Tie(T1, OWNS, "c", TRACE), Tie(T1, OWNS, "d", TRACE)],
        {},
    ),
    ("a cause named in a correlation", [has(E1), Tie(ID, CLAIMS, "c", CAUSATION)], {E1: "c"}),
    (
        "a cause named in two correlations",
        [has(E1), Tie(ID, CLAIMS, "c", CAUSATION), Tie(ID, CLAIMS, "d", CAUSATION)],
        {},
    ),
    (
        "an event ID that two flows have names neither",
        [has(E1), has(E2), Tie(ID, CLAIMS, "c", CAUSATION)],
        {},
    ),
    ("an effect of a correlation", [has("c", HOLDS), Tie(ID, FOLLOWS, E1, CAUSATION)], {E1: "c"}),
    ("an effect of a lone event", [has(E2), Tie(ID, FOLLOWS, E1, CAUSATION)], {E1: E2}),
    (
        "a correlation is never a name of another",
        [has("c", HOLDS), Tie(ID, CLAIMS, "d", CAUSATION)],
        {},
    ),
    (
        "a correlation that looks like a trace is none",
        [Tie(T1, OWNS, T2, TRACE), Tie(T2, OWNS, "c", TRACE)],
        {T1: T2},
    ),
    ("what a handling emitted", [has(E1), Tie(ID, CLAIMS, T1, DELIVERY)], {E1: T1}),
    ("a linked trace", [Tie(T1, SEEKS, T2, LINK)], {T2: T1}),
    (
        "a way over other names",
        [
            Tie(T1, SEEKS, T2, LINK),
            Tie(T1, OWNS, "c", CONVERSATION),
            has(T2),
            Tie(ID, FOLLOWS, E1, CAUSATION),
        ],
        {T1: "c", T2: "c", E1: "c"},
    ),
    (
        "several ties to one flow",
        [Tie(T1, OWNS, "c", TRACE), has(T1), Tie(ID, CLAIMS, "c", CAUSATION)],
        {T1: "c"},
    ),
    (
        "a trace of two orders is not joined through",
        [
            Tie(T1, OWNS, "c", TRACE),
            Tie(T1, OWNS, "d", TRACE),
            Tie(T1, SEEKS, T2, LINK),
        ],
        {},
    ),
    (
        "each by the nearest",
        [
            *(Tie(T1, OWNS, "c", TRACE), Tie(T3, OWNS, "d", TRACE)),
            *(Tie(T1, SEEKS, T2, LINK), Tie(T2, SEEKS, T3, LINK)),
        ],
        {T1: "c", T3: "d"},
    ),
    (
        "what came before goes with what came of it",
        [Tie(T1, OWNS, "c", TRACE), has(E1), Tie(ID, FOLLOWS, T1, CAUSATION)],
        {T1: "c", E1: "c"},
    ),
    ("a circle", [Tie(T1, SEEKS, T2, LINK), Tie(T2, SEEKS, T1, LINK)], {}),
    (
        "what leads into a circle",
        [Tie(T1, SEEKS, T2, LINK), Tie(T2, SEEKS, T1, LINK), Tie(T1, SEEKS, T3, LINK)],
        {},
    ),
    ("itself", [has(E1), Tie(ID, FOLLOWS, E1, CAUSATION), Tie(T1, SEEKS, T1, LINK)], {}),
]


@pytest.mark.parametrize(("ties", "expected"), [row[1:] for row in ROWS], ids=[r[0] for r in ROWS])
def test_where_names_lead(ties: list[Tie], expected: dict[str, str]) -> None:
    names = {"c", "d", T1, T2, T3, E1, E2}
    for some in (ties, ties[::-1], ties + ties):
        found = aliases(names, some, set())
        assert {name: alias.flow_id for name, alias in found.items()} == expected


def test_the_strongest_evidence_is_told() -> None:
    ties = [has(T1), Tie(ID, CLAIMS, "c", CAUSATION), Tie(T1, OWNS, "c", CONVERSATION)]
    assert aliases([T1], ties, set())[T1].evidence == CONVERSATION


def test_more_than_so_many_steps_are_not_gone() -> None:
    chain = [Tie(f"{n:032x}", SEEKS, f"{n + 1:032x}", LINK) for n in range(1, STEPS + 3)]
    found = aliases([f"{STEPS + 1:032x}", f"{STEPS + 2:032x}"], chain, set())
    assert {name: alias.flow_id for name, alias in found.items()} == {
        f"{STEPS + 1:032x}": f"{1:032x}"
    }


def test_very_many_effects_do_not_say_where_their_cause_belongs() -> None:
    effects = [f"{n:032x}" for n in range(1, MANY + 2)]
    ties = [has(E1), *(Tie(ID, FOLLOWS, one, CAUSATION) for one in effects)]
    ties.append(Tie(effects[0], OWNS, "c", TRACE))
    found = {one: alias.flow_id for one, alias in aliases([E1, *effects], ties, set()).items()}
    assert found == {effects[0]: "c"} | dict.fromkeys(effects[1:], E1)
    fewer = aliases([E1, *effects], [tie for tie in ties if tie.flow_id != effects[-1]], set())
    assert {alias.flow_id for alias in fewer.values()} == {"c"}
    assert fewer.keys() == {E1, *effects[:-1]}


def test_what_was_not_looked_up_leads_nowhere() -> None:
    assert aliases([T2], [Tie(T1, SEEKS, T2, LINK)], {T1}) == {}


@pytest.mark.parametrize(
    ("flow_id", "traces", "broker", "expected"),
    [
        ("order-1", set(), "shop", True),
        (T1, {T1}, "shop", False),
        (T1, {T2}, "shop", True),
        (ident("a").hex(), set(), "shop", False),
        (T1, {T2}, "otlp", False),
    ],
)
def test_what_a_correlation_is(flow_id: str, traces: set[str], broker: str, expected: bool) -> None:
    rows = [event("a", "A", 0, flow_id=flow_id, broker=broker)]
    assert correlated(flow_id, rows, traces) is expected


def test_what_a_flow_tells() -> None:
    rows = [event("a", "A", 0, "b", "x", flow_id="c"), event("b", "B", 1, flow_id="c")]
    handled = [receipt("a", "mail", "succeeded", 2, published=("b", "y"))]
    assert told("c", rows, handled, {T1}) == {
        Tie(event_name("x"), CLAIMS, "c", CAUSATION),
        Tie(identity_name(ident("y")), CLAIMS, "c", DELIVERY),
        Tie(T1, OWNS, "c", TRACE),
    }
    lone = [event("a", "A", 0, "x", flow_id=T1)]
    assert told(T1, lone, [], {T1}) == {Tie(event_name("x"), FOLLOWS, T1, CAUSATION)}


def test_what_a_trace_id_looks_like() -> None:
    good = [T1, "0" * 31 + "a"]
    bad = ["", "0" * 32, "1" * 31, "G" * 32, "A" * 32, "id:" + "1" * 29]
    assert [one for one in good + bad if is_trace(one)] == good
