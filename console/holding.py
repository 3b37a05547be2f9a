"""What other features need of what happened: retention leaves it."""

from dlq import queries
from tracing.retention import keeping


def connect() -> None:
    """Flows with open letters stay."""
    keeping.hold(queries.flows_with_open_letters)
