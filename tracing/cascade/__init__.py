"""Pure: from rows to the cascade of a flow, the same for every order of arrival (promise 10)."""

from tracing.cascade.build import build
from tracing.cascade.deliveries import deliveries
from tracing.cascade.model import (
    Anomaly,
    Attempt,
    Delivery,
    DeliveryState,
    Edge,
    EventNode,
    Evidence,
    LetterMark,
    Line,
    Segment,
    SegmentKind,
)
from tracing.cascade.whole import Cascade

__all__ = [
    "Anomaly",
    "Attempt",
    "Cascade",
    "Delivery",
    "DeliveryState",
    "Edge",
    "EventNode",
    "Evidence",
    "LetterMark",
    "Line",
    "Segment",
    "SegmentKind",
    "build",
    "deliveries",
]
