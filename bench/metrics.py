"""`GET /metrics` with 1,000 consumers: scrapes a second, beside those of 10 ms each.

Measured on a private database of each kind, from Django's handler inwards.
"""

from typing import Any

from bench.child import measured
from tests.support.postgres_server import PostgresServer


def run() -> list[dict[str, Any]]:
    """The rows of the table; raises CalledProcessError when a measurement fails."""
    server = PostgresServer()
    try:
        on_postgres = measured("bench.metrics_work", server.database("bench"))
    finally:
        server.stop()
    return [*measured("bench.metrics_work"), *on_postgres]
