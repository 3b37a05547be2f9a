"""What a Python service imports to take part: envelopes, a producer, a consumer with receipts."""

from cascade_client.consumer import Consumer
from cascade_client.context import correlated, current
from cascade_client.delivery import Handler
from cascade_client.envelope import Envelope
from cascade_client.errors import (
    Conflict,
    Fenced,
    Malformed,
    NotJson,
    PayloadLost,
    Permanent,
    TransportError,
)
from cascade_client.fields import identity
from cascade_client.producer import Producer
from cascade_client.redis_transport import RedisTransport
from cascade_client.retry import Retry
from cascade_client.transport import Transport
from cascade_client.work import Work

__all__ = [
    "Conflict",
    "Consumer",
    "Envelope",
    "Fenced",
    "Handler",
    "Malformed",
    "NotJson",
    "PayloadLost",
    "Permanent",
    "Producer",
    "RedisTransport",
    "Retry",
    "Transport",
    "TransportError",
    "Work",
    "correlated",
    "current",
    "identity",
]
