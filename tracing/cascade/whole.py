"""The cascade of a flow as a whole; what is costly to derive is derived when asked for."""

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

from tracing.cascade.anomalies import anomalies, in_order
from tracing.cascade.critical import critical_path, shares
from tracing.cascade.kinds import MEANINGS
from tracing.cascade.model import (
    Anomaly,
    Delivery,
    Edge,
    EventNode,
    Evidence,
    Line,
    Segment,
    Share,
)
from tracing.cascade.outline import outline, parents


@dataclass(frozen=True)
class Cascade:
    """Nodes, edges and anomalies; equal for every order in which its rows arrived."""

    flow_id: str
    terminal: tuple[str, ...]  # types that end a flow
    events: tuple[EventNode, ...]
    deliveries: tuple[Delivery, ...]
    edges: tuple[Edge, ...]
    noted: frozenset[Anomaly]  # while it was put together
    elsewhere: frozenset[tuple[str, str]] = frozenset()  # as given to `build`

    @cached_property
    def nodes(self) -> dict[str, EventNode | Delivery]:
        """Every node by its ID."""
        every: list[EventNode | Delivery] = [*self.events, *self.deliveries]
        return {node.id: node for node in every}

    @cached_property
    def led(self) -> dict[str, list[str]]:
        """What led to each node that something led to."""
        return parents(self.edges)

    @cached_property
    def into(self) -> dict[str, list[Edge]]:
        """The edges that lead to each node."""
        answer: dict[str, list[Edge]] = defaultdict(list)
        for edge in self.edges:
            answer[edge.target].append(edge)
        return answer

    @cached_property
    def out_of(self) -> dict[str, list[Edge]]:
        """The edges that lead away from each node."""
        answer: dict[str, list[Edge]] = defaultdict(list)
        for edge in self.edges:
            answer[edge.origin].append(edge)
        return answer

    def event_of(self, delivery: Delivery) -> EventNode:
        """The event that was delivered, seen or not."""
        node = self.nodes[delivery.event]
        assert isinstance(node, EventNode)  # noqa: S101  # `build` makes one for each delivery
        return node

    @cached_property
    def anomalies(self) -> tuple[Anomaly, ...]:
        """What a person should know about it, the worst first."""
        found = anomalies(
            self.events,
            self.deliveries,
            self.edges,
            terminal=self.terminal,
            elsewhere=self.elsewhere,
        )
        return in_order(found | self.noted, self.nodes)

    @cached_property
    def odd(self) -> dict[str, str]:
        """What is wrong with nodes, in words; what is only good to know is left out."""
        told: dict[str, list[str]] = defaultdict(list)
        for one in self.anomalies:
            if MEANINGS[one.kind].tone != "idle":
                told[one.node].append(one.detail)
        return {node: "; ".join(details) for node, details in told.items()}

    @cached_property
    def outline(self) -> tuple[Line, ...]:
        """The order in which it is read: a tree, every node once."""
        return outline(self.events, self.deliveries, self.led)

    def evidence(self, line: Line) -> tuple[Evidence, ...]:
        """Why a row of the outline hangs where it does; empty for a root."""
        if line.parent is None:
            return ()
        above = self.outline[line.parent].node.id
        return tuple(edge.evidence for edge in self.into[line.node.id] if edge.origin == above)

    @cached_property
    def critical_path(self) -> tuple[Segment, ...]:
        """What the time from the root to the end went into."""
        return critical_path(self.events, self.deliveries, self.led, self.terminal)

    @cached_property
    def on_path(self) -> dict[str, list[Segment]]:
        """The segments of the critical path by what the time was spent on."""
        answer: dict[str, list[Segment]] = defaultdict(list)
        for segment in self.critical_path:
            answer[segment.node].append(segment)
        return answer

    @cached_property
    def shares(self) -> tuple[Share, ...]:
        """The shares of the critical path, kind by kind."""
        return shares(self.critical_path)
