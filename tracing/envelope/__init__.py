"""Envelopes, pure, no Django: CloudEvents 1.0, strictly, by HTTP, Kafka, AMQP and Redis Streams;
what other programs write on a stream (others.py), as far as it can be understood."""

from tracing.envelope.amqp import from_amqp
from tracing.envelope.entries import from_entry
from tracing.envelope.http_binary import from_headers
from tracing.envelope.json_format import BatchError, from_batch, from_structured
from tracing.envelope.kafka import from_kafka
from tracing.envelope.model import (
    Envelope,
    EnvelopeError,
    LimitError,
    Malformed,
    body_hash,
    identity,
    storable,
)
from tracing.envelope.modes import FormatError, Mode, mode_of
from tracing.envelope.others import positional
from tracing.envelope.rules import NO_RULES, Rules

__all__ = [
    "NO_RULES",
    "BatchError",
    "Envelope",
    "EnvelopeError",
    "FormatError",
    "LimitError",
    "Malformed",
    "Mode",
    "Rules",
    "body_hash",
    "from_amqp",
    "from_batch",
    "from_entry",
    "from_headers",
    "from_kafka",
    "from_structured",
    "identity",
    "mode_of",
    "positional",
    "storable",
]
