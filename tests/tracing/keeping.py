"""Stores with old rows, and what is left of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from brokers import config
from brokers.config import Config, Flows
from brokers.retention import Retention
from tests.tracing.arriving import event, receipt, take
from tracing import summariser
from tracing.models import Event, Flow, Malformed, Receipt, Span
from tracing.retention import loop


@contextmanager
def configured(**retention: Any) -> Iterator[None]:
    """This [retention], and OrderShipped as the end of a flow."""
    before = config._loaders[:]
    flows = Flows(terminal=("OrderShipped",), quiet_after_s=1)
    config.use(lambda: Config(flows=flows, retention=Retention(**retention)))
    try:
        yield
    finally:
        config._loaders[:] = before
        config.current.cache_clear()


def order(number: int, *more: str, **fields: str) -> None:
    """An order of `flow-<number>`: placed, handled by payment, then what else is named."""
    at, flow = number * 100, f"flow-{number}"
    types = ("OrderPlaced", *more)
    entries = [
        event(
            f"{type_}-{number}",
            at + index,
            body={"order_id": number},
            **{"ce-type": type_, "ce-correlationid": flow, **fields},
        )
        for index, type_ in enumerate(types)
    ]
    take(*entries, receipt(f"OrderPlaced-{number}", at + 50))


def aged(before: timedelta, now: datetime, **which: Any) -> None:
    """All rows (or those of a flow) came in so long ago."""
    models: tuple[Any, ...] = (Event, Receipt) if which else (Event, Receipt, Span, Malformed)
    for model in models:
        model.objects.filter(**which).update(received_at=now - before)


def summarised() -> None:
    """All summaries are written."""
    summariser.summarise_all()


def sweep() -> int:
    """Delete what is old by now."""
    return loop.run_once()


def left() -> set[str]:
    """The flows of which events are left."""
    return set(Event.objects.values_list("flow_id", flat=True))


def flow(number: int) -> Flow:
    """The summary of an order."""
    return Flow.objects.get(flow_id=f"flow-{number}")
