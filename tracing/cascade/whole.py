"""The cascade of a flow as a whole; what is costly to derive is derived when asked for."""

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

from tracing.cascade.critical import critical_path
from tracing.cascade.model import Anomaly, Delivery, Edge, EventNode, Line, Segment, event_node_id
from tracing.cascade.outline import outline


@dataclass(frozen=True)
class Cascade:
    """Nodes, edges and anomalies; equal for every order in which its rows arrived."""

    flow_id: str
    terminal: tuple[str, ...]  # types that end a flow
    events: tuple[EventNode, ...]
    deliveries: tuple[Delivery, ...]
    edges: tuple[Edge, ...]
    anomalies: tuple[Anomaly, ...]

    @cached_property
    def nodes(self) -> dict[str, EventNode | Delivery]:
        """Every node by its ID."""
        every: list[EventNode | Delivery] = [*self.events, *self.deliveries]
        return {node.id: node for node in every}

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
        node = self.nodes[event_node_id(delivery.identity)]
        assert isinstance(node, EventNode)  # noqa: S101  # `build` makes one for each delivery
        return node

    @cached_property
    def outline(self) -> tuple[Line, ...]:
        """The order in which it is read: a tree, every node once."""
        return outline(self.events, self.deliveries, self.edges)

    @cached_property
    def critical_path(self) -> tuple[Segment, ...]:
        """What the time from the root to the end went into."""
        return critical_path(self.events, self.deliveries, self.edges, self.terminal)
