"""Pure: the times that the processes themselves gave, beside those the clock rule moved.

The rule (tracing/cascade/deliveries.py): a consumer cannot begin before the send; what begins
earlier is moved there, all of it by the same span, and nothing is ever moved earlier.
"""

from dataclasses import replace
from datetime import timedelta

from msgspec import structs

from tracing.cascade.model import Delivery
from tracing.cascade.whole import Cascade


def raw(cascade: Cascade) -> Cascade:
    """The same cascade with every delivery at the times that its process gave."""
    return replace(cascade, deliveries=tuple(_raw(one) for one in cascade.deliveries))


def _raw(delivery: Delivery) -> Delivery:
    if not delivery.shift_s:
        return delivery
    shift = timedelta(seconds=delivery.shift_s)
    attempts = tuple(
        structs.replace(
            one,
            started_at=one.started_at - shift,
            ended_at=None if one.ended_at is None else one.ended_at - shift,
        )
        for one in delivery.attempts
    )
    return structs.replace(
        delivery,
        attempts=attempts,
        started_at=delivery.raw_started_at,
        ended_at=delivery.raw_ended_at,
    )
