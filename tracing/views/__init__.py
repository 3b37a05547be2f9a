"""The pages of what happened."""

from tracing.views.cascade import cascade
from tracing.views.orders import orders

__all__ = ["cascade", "orders"]
