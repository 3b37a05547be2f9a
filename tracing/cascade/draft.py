"""Pure: the graph of a cascade while it is being put together.

Rows, deliveries and so edges are in an order that does not depend on how they came in.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from tracing.cascade.kinds import Kind
from tracing.cascade.model import Anomaly, Delivery, Edge, Evidence, event_node_id
from tracing.rows import EventRow


@dataclass
class Draft:
    """`rows` are the events by identity, those of other flows among them."""

    flow_id: str
    rows: dict[bytes, EventRow]
    deliveries: list[Delivery] = field(default_factory=list)
    edges: dict[Edge, None] = field(default_factory=dict)  # in order
    noted: set[Anomaly] = field(default_factory=set)
    unseen: dict[str, str] = field(default_factory=dict)  # node ID -> what is known of it
    node_of: Callable[[bytes], str] = field(default_factory=lambda: cache(event_node_id))

    def tie(self, origin: str, target: str, evidence: Evidence) -> None:
        """An edge, if it is not there."""
        self.edges[Edge(origin, target, evidence)] = None

    def note(self, kind: Kind, node: str, detail: str) -> None:
        """An anomaly that shows while the graph is made."""
        self.noted.add(Anomaly(kind, node, detail))

    def is_own(self, row: EventRow) -> bool:
        """Whether it is an event of this flow."""
        return row.flow_id == self.flow_id
