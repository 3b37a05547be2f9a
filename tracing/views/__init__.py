"""The pages of what happened."""

from tracing.views.cascade import cascade
from tracing.views.key import key
from tracing.views.orders import orders
from tracing.views.pins import pin

__all__ = ["cascade", "key", "orders", "pin"]
