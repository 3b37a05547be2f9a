"""What was seen, and what was learned of it. Only tracing's writers write here."""

from tracing.models.flows import Flow, FlowKey, FlowType, Route
from tracing.models.seen import Appearance, Event, Malformed, Payload, Receipt, Span

__all__ = [
    "Appearance",
    "Event",
    "Flow",
    "FlowKey",
    "FlowType",
    "Malformed",
    "Payload",
    "Receipt",
    "Route",
    "Span",
]
