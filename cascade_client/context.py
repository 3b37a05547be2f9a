"""What the code now running was caused by; published events are stamped from it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from opentelemetry import propagate


@dataclass(frozen=True, slots=True)
class Context:
    """The flow being worked on, and the event being handled, if any."""

    correlation_id: str
    cause: str = ""  # ID of the event being handled
    partition_key: str = ""


_current: ContextVar[Context | None] = ContextVar("cascade_client", default=None)


def current() -> Context | None:
    """The context of the running code, None outside of any flow."""
    return _current.get()


@contextmanager
def within(context: Context) -> Iterator[Context]:
    """Everything published inside belongs to this context."""
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)


@contextmanager
def correlated(correlation_id: str) -> Iterator[Context]:
    """Everything published inside belongs to this flow, caused by no event."""
    with within(Context(correlation_id)) as context:
        yield context


def trace_headers() -> dict[str, str]:
    """`traceparent` and `tracestate` of the current span; empty where nothing is traced.

    No trace is made up here: an unsampled one would silence tracing further down.
    """
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier
