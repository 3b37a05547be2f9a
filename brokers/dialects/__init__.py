"""How frameworks mark a dead letter: one module a framework, one normal form for all."""

from brokers.dialects import cascade
from brokers.dialects.normal import DeadLetter, Dialect, plain

# In this order; the first that recognises its own marks reads the letter.
DIALECTS: tuple[Dialect, ...] = (cascade.DIALECT,)

__all__ = ["DIALECTS", "DeadLetter", "Dialect", "read"]


def read(headers: dict[str, str]) -> DeadLetter:
    """What the headers say of the death; nothing but the headers when nobody's marks are there."""
    for dialect in DIALECTS:
        if dialect.recognises(headers):
            return dialect.read(headers)
    return plain(headers)
