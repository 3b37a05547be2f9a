"""What was seen, and what was learned of it. Only tracing's writers write here."""

from tracing.models.flows import Flow, FlowKey, Route
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
    "Appearance",
    "Cursor",
    "Event",
    "EventWords",
    "Flow",
    "FlowConsumer",
    "FlowError",
    "FlowKey",
    "FlowMark",
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
