"""What was seen, and what was learned of it. Only tracing's writers write here."""

from tracing.models.flows import JOINED, Flow, FlowAlias, FlowKey, FlowTie, Route
from tracing.models.keeping import StorageSample, Sweep
from tracing.models.read import Cursor, Passed, Watch
from tracing.models.search import (
    EventWords,
    FlowConsumer,
    FlowError,
    FlowMark,
    FlowType,
    WordsMark,
)
from tracing.models.seen import Appearance, Event, Malformed, Payload, Receipt, Span

__all__ = [
    "JOINED",
    "Appearance",
    "Cursor",
    "Event",
    "EventWords",
    "Flow",
    "FlowAlias",
    "FlowConsumer",
    "FlowError",
    "FlowKey",
    "FlowMark",
    "FlowTie",
    "FlowType",
    "Malformed",
    "Passed",
    "Payload",
    "Receipt",
    "Route",
    "Span",
    "StorageSample",
    "Sweep",
    "Watch",
    "WordsMark",
]
