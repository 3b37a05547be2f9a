"""Deliveries of consumers that send no receipts, inferred from cursors and pending lists."""

from tracing.passed.follower import Follower

__all__ = ["Follower"]
