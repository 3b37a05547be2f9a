"""Keeping the product's processes: ordered start, restart of what dies, stop in reverse."""
