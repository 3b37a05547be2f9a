"""The tap: Redis stream to committed rows, beside the same event rows written by a bare script.

Measured in processes of their own, on a private Redis and a private database of each kind.
"""

from typing import Any

from bench.child import measured
from tests.support.postgres_server import PostgresServer


def run() -> list[dict[str, Any]]:
    """The rows of the table; raises CalledProcessError when a measurement fails."""
    server = PostgresServer()
    try:
        on_postgres = measured("bench.tap_work", server.database("bench"))
    finally:
        server.stop()
    return [*measured("bench.tap_work"), *on_postgres]
