"""Celery wakes, rows are the truth: each task is a slice of about a second."""

from celery import shared_task

from dlq import engine
from dlq.verify import verify as verify_slice

SECONDS = 0.9  # beat starts the next one each second


@shared_task
def pump() -> int:
    """Send what is due; how many members moved on."""
    return engine.pump(SECONDS)


@shared_task
def verify() -> int:
    """Look for outcomes of what was sent; how many were found."""
    return verify_slice(SECONDS)
