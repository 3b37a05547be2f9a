"""Pure: which flow IDs are names of one and the same flow (docs/adr/0005-flow-aliases.md).

Every flow tells what it has and what it says of others, by name. A name is a flow ID, or stands for
an event by its ID or its identity. Which flow a name leads to is worked out of all that was told,
so the order in which it was told does not matter.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Set
from hashlib import blake2b
from typing import NamedTuple

from tracing.rows import SPAN_BROKER, EventRow, ReceiptRow

# what a flow may have to do with a name: first of an event, then of a flow
HAS = "has"  # it has this event, and nothing in it bears a correlation
HOLDS = "holds"  # it has this event, and is a correlation
CLAIMS = "claims"  # the flow that has this event belongs to it
FOLLOWS = "follows"  # it belongs to the flow that has this event
OWNS = "owns"  # the flow of this ID belongs to it
SEEKS = "seeks"  # it belongs to the flow of this ID
# why; the strongest first
CONVERSATION, TRACE, CAUSATION, LINK, DELIVERY, MEMBER = EVIDENCE = (
    *("conversation", "trace", "causation", "link", "delivery", "member"),
)
FIRM = frozenset({CONVERSATION, TRACE, CAUSATION})  # only a correlation owns for these reasons
STEPS = 32  # ties from a flow ID to the flow it is a name of: what is further away is not joined
MANY = 20  # flows that came of one: of more, none says where that one belongs
TIES = 200  # of one kind that a flow tells: the first by name
_HEX = frozenset("0123456789abcdef")


class Tie(NamedTuple):
    """What one flow has to do with one name, and why."""

    name: str
    relation: str
    flow_id: str
    evidence: str


class Alias(NamedTuple):
    """The flow that a name leads to, and by which evidence."""

    flow_id: str
    evidence: str


def event_name(event_id: str) -> str:
    """The name of an event known by its ID alone, as causes are named."""
    return f"id:{blake2b(event_id.encode(errors='surrogatepass'), digest_size=16).hexdigest()}"


def identity_name(identity: bytes) -> str:
    """The name of an event known by its identity."""
    return f"is:{identity.hex()}"


def is_trace(text: str) -> bool:
    """Whether this can be a trace ID (or the ID of a flow of one event)."""
    return len(text) == 32 and _HEX.issuperset(text) and text.strip("0") != ""


def correlated(flow_id: str, events: Iterable[EventRow], traces: Collection[str]) -> bool:
    """Whether a flow ID is a correlation, and not a trace or an event.

    What only spans say cannot be told apart: an ID that can be a trace's is taken for one.
    """
    if not is_trace(flow_id):
        return True
    said = [row for row in events if row.broker != SPAN_BROKER]
    known = {row.identity.hex() for row in said}.union(traces)
    return bool(said) and flow_id not in known


def is_firm(tie: Tie) -> bool:
    """Whether only a correlation says this."""
    return tie.relation == HOLDS or (tie.relation in (OWNS, CLAIMS) and tie.evidence in FIRM)


def told(
    flow_id: str,
    events: Collection[EventRow],
    receipts: Iterable[ReceiptRow],
    traces: Collection[str],
) -> set[Tie]:
    """What a flow says of names that are not of its own events."""
    firm = correlated(flow_id, events, traces)
    ids = {row.event_id for row in events}
    causes = sorted({cause for row in events for cause in row.causes} - ids)
    own = {row.identity for row in events}
    sent = sorted({identity for row in receipts for identity in row.published} - own)
    relation = CLAIMS if firm else FOLLOWS
    found = {Tie(event_name(one), relation, flow_id, CAUSATION) for one in causes[:TIES]}
    found |= {Tie(identity_name(one), CLAIMS, flow_id, DELIVERY) for one in sent[:TIES]}
    if firm:
        others = sorted(set(traces) - {flow_id})[:TIES]
        found |= {Tie(trace, OWNS, flow_id, TRACE) for trace in others}
    return found


def aliases(names: Iterable[str], ties: Iterable[Tie], beyond: Set[str]) -> dict[str, Alias]:
    """Which flows these names lead to; a name that is missing leads to none but itself.

    To the nearest correlation, in at most STEPS ties; where two are equally near, as for a trace
    of many orders, to none. Without any correlation, to the one flow that it comes from.
    `beyond`: names whose own ties were not looked up.
    """
    known = Ways(ties)
    near = known.nearest()
    found = {name: alias for name, alias in near.items() if alias is not None}
    found |= known.roots(near.keys() | beyond)
    return {name: found[name] for name in names if name in found}


class Ways:
    """The ways between flows: from what came before to what came of it, and why."""

    def __init__(self, ties: Iterable[Tie]) -> None:
        every = set(ties)
        self.firm = {tie.flow_id for tie in every if is_firm(tie)}
        self._down: dict[str, dict[str, str]] = defaultdict(dict)  # before -> after -> evidence
        self._up: dict[str, dict[str, str]] = defaultdict(dict)
        for before, after, evidence in _ends(every):
            known = self._down[before].get(after, evidence)
            self._down[before][after] = min(known, evidence, key=EVIDENCE.index)
            self._up[after][before] = self._down[before][after]

    def nearest(self) -> dict[str, Alias | None]:
        """The nearest correlation of each flow that has one near; None: two are equally near."""
        found: dict[str, Alias | None] = {one: Alias(one, MEMBER) for one in self.firm}
        front = dict(found)
        for _ in range(STEPS):
            reached: dict[str, set[Alias | None]] = defaultdict(set)
            for one, alias in front.items():
                for other, evidence in self._beside(one):
                    if other not in found:
                        reached[other].add(alias and Alias(alias.flow_id, evidence))
            front = {one: _only(ways) for one, ways in reached.items()}
            found |= front
        return {one: alias for one, alias in found.items() if one not in self.firm}

    def _beside(self, one: str) -> Iterator[tuple[str, str]]:
        """Flows a step away. Of very many that came of one, none says where that one belongs."""
        yield from self._down[one].items()
        for before, evidence in self._up[one].items():
            if len(self._down[before]) <= MANY:
                yield before, evidence

    def roots(self, left_out: Set[str]) -> dict[str, Alias]:
        """The one flow that each of the others comes from; in a circle nobody comes first."""
        left_out = left_out | self.firm
        out = {one: ways for one, ways in self._up.items() if one not in left_out}
        flow: dict[str, str] = {}
        left = {*out, *(before for ways in out.values() for before in ways)} - left_out
        for _ in range(STEPS + 1):
            ready = [one for one in left if all(other in flow for other in out.get(one, ()))]
            for one in ready:
                targets = {flow[other] for other in out.get(one, ())}
                flow[one] = targets.pop() if len(targets) == 1 else one
            left.difference_update(ready)
        return {
            one: Alias(flow_id, min(out[one].values(), key=EVIDENCE.index))
            for one, flow_id in flow.items()
            if flow_id != one
        }


def _only(ways: Set[Alias | None]) -> Alias | None:
    """The one flow that these ways lead to, by the strongest evidence."""
    flows = {alias.flow_id for alias in ways if alias is not None}
    if None in ways or len(flows) != 1:
        return None
    return min((one for one in ways if one), key=lambda one: EVIDENCE.index(one.evidence))


def _ends(ties: Set[Tie]) -> Iterator[tuple[str, str, str]]:
    """The flow before, the flow after, and why; an event ID that two flows have names neither."""
    holders: dict[str, set[str]] = defaultdict(set)
    for tie in ties:
        if tie.relation in (HAS, HOLDS):
            holders[tie.name].add(tie.flow_id)
    for tie in ties:
        named = {tie.name} if tie.relation in (OWNS, SEEKS) else holders[tie.name]
        if tie.relation in (HAS, HOLDS) or len(named) != 1 or tie.flow_id in named:
            continue
        (other,) = named
        if tie.relation in (FOLLOWS, SEEKS) or tie.evidence == CAUSATION:
            yield other, tie.flow_id, tie.evidence
        else:
            yield tie.flow_id, other, tie.evidence
