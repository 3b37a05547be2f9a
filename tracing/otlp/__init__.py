"""OTLP traces, pure: bytes -> spans -> what they say of messages -> events and receipts."""

from tracing.otlp.decode import Decoded, from_json, from_protobuf
from tracing.otlp.evidence import Evidence, evidence
from tracing.otlp.model import Message, Reading, Refused, Span

__all__ = [
    "Decoded",
    "Evidence",
    "Message",
    "Reading",
    "Refused",
    "Span",
    "evidence",
    "from_json",
    "from_protobuf",
]
