"""How frameworks mark a dead letter: one module a framework, one normal form for all."""

from collections.abc import Mapping

from brokers.dialects import (
    aws,
    cascade,
    celery,
    kafka,
    karafka,
    masstransit,
    nservicebus,
    rabbitmq,
    rebus,
    smallrye,
    spring,
    watermill,
)
from brokers.dialects.normal import DeadLetter, Dialect, plain

# In this order; the first that recognises its own marks reads the letter. What a framework
# writes comes before what its broker adds, and names that anybody might use come last.
DIALECTS: tuple[Dialect, ...] = (
    smallrye.DIALECT,
    cascade.DIALECT,
    *spring.DIALECTS,
    *kafka.DIALECTS,
    masstransit.DIALECT,
    nservicebus.DIALECT,
    rebus.DIALECT,
    watermill.DIALECT,
    *karafka.DIALECTS,
    *aws.DIALECTS,
    rabbitmq.DIALECT,
    celery.DIALECT,
)

__all__ = ["DIALECTS", "DeadLetter", "Dialect", "read"]


def read(headers: Mapping[str, str]) -> DeadLetter:
    """What the headers say of the death; nothing but the headers when nobody's marks are there."""
    for dialect in DIALECTS:
        if dialect.recognises(headers):
            return dialect.read(headers)
    return plain(headers)
