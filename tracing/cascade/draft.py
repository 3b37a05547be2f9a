"""Pure: the graph of a cascade while it is being put together."""

from dataclasses import dataclass, field

from tracing.cascade.kinds import Kind
from tracing.cascade.model import Anomaly, Delivery, Edge
from tracing.rows import EventRow


@dataclass
class Draft:
    """`rows` are the events by identity, those of other flows among them."""

    flow_id: str
    rows: dict[bytes, EventRow]
    deliveries: list[Delivery] = field(default_factory=list)
    edges: set[Edge] = field(default_factory=set)
    noted: set[Anomaly] = field(default_factory=set)
    unseen: dict[str, str] = field(default_factory=dict)  # node ID -> what is known of it

    def note(self, kind: Kind, node: str, detail: str) -> None:
        """An anomaly that shows while the graph is made."""
        self.noted.add(Anomaly(kind, node, detail))

    def is_own(self, row: EventRow) -> bool:
        """Whether it is an event of this flow."""
        return row.flow_id == self.flow_id
