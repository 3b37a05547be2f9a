"""Pure: what timeline and graph show of a node alike."""

from dataclasses import dataclass

from kit.marks import mark
from tracing.cascade import Delivery, EventNode


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """An event or a delivery where it is drawn."""

    node: EventNode | Delivery
    fan_in: bool  # several causes join in it
    odd: str  # what is wrong with it, in words

    @property
    def is_event(self) -> bool:
        """Whether it is an event, seen or not."""
        return isinstance(self.node, EventNode)

    @property
    def name(self) -> str:
        """The event's type, or the consumer."""
        return self.node.name if isinstance(self.node, EventNode) else self.node.consumer

    @property
    def icon(self) -> str:
        """What kind of node it is, and how a delivery stands."""
        if isinstance(self.node, Delivery):
            return mark(self.node.state).icon
        if not self.node.seen:
            return "circle-dashed"
        return "arrow-merge" if self.fan_in else "bolt"

    @property
    def tone(self) -> str:
        """The tone of a delivery's state; an event has none unless it was not seen."""
        if isinstance(self.node, Delivery):
            return mark(self.node.state).tone
        return "muted" if self.node.seen else "warn"
