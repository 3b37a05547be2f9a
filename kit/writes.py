"""The one way to write several rows together."""

from contextlib import AbstractContextManager

from django.db import transaction


def writing() -> AbstractContextManager[None]:
    """A write transaction. On SQLite it waits its turn at the gate and is IMMEDIATE from the
    start, so a read inside may be followed by a write; keep it short, at most about
    kit.limits.TRANSACTION_ROWS rows.
    """
    return transaction.atomic()
