"""Retention: the intake with it on beside off, what comes back, the log, and the pages' times.

Measured in processes of their own, on a private Redis and a private database of each kind.
`BENCH_RETENTION_EVENTS=1000000` takes in as many (200,000 otherwise).
"""

from typing import Any

from bench.child import measured
from tests.support.postgres_server import PostgresServer


def run() -> list[dict[str, Any]]:
    """The rows of the table; raises CalledProcessError when a measurement fails."""
    server = PostgresServer()
    try:
        on_postgres = measured("bench.retention_work", server.database("bench"))
    finally:
        server.stop()
    return [*measured("bench.retention_work"), *on_postgres]
