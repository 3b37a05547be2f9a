"""Pure: from rows to the cascade of a flow, the same for every order of arrival (promise 10)."""

from tracing.cascade.build import build
from tracing.cascade.clocks import raw
from tracing.cascade.deliveries import deliveries
from tracing.cascade.kinds import MEANINGS, Kind, Meaning
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
    Share,
)
from tracing.cascade.whole import Cascade

__all__ = [
    "MEANINGS",
    "Anomaly",
    "Attempt",
    "Cascade",
    "Delivery",
    "DeliveryState",
    "Edge",
    "EventNode",
    "Evidence",
    "Kind",
    "LetterMark",
    "Line",
    "Meaning",
    "Segment",
    "SegmentKind",
    "Share",
    "build",
    "deliveries",
    "raw",
]
