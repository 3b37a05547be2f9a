"""Celery wakes, rows are the truth: each task is a slice of about a second."""

import time

from celery import shared_task

from dlq import engine
from dlq.verify import verify as verify_slice

SECONDS = 0.9  # beat starts the next one each second
PAUSE_S = 0.1  # about what a consumer and the tap take to answer


@shared_task
def pump() -> int:
    """Send what is due; how many members moved on."""
    return engine.pump(SECONDS)


@shared_task
def verify() -> int:
    """Look for outcomes of what was sent; how many were found.

    An outcome lets the next letter of its lane go: it goes within this slice, not by the next.
    """
    until = time.monotonic() + SECONDS
    settled = verify_slice(SECONDS)
    while settled and engine.due() and time.monotonic() < until:
        engine.pump(until - time.monotonic())
        time.sleep(PAUSE_S)
        settled += verify_slice(until - time.monotonic())
    return settled
