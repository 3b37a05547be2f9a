"""A second tap: two processes that share the streams of a broker, beside one.

Measured on a private Redis and a private database of each kind.
"""

from typing import Any

from bench.child import measured
from tests.support.postgres_server import PostgresServer


def run() -> list[dict[str, Any]]:
    """The rows of the table; raises CalledProcessError when a measurement fails."""
    server = PostgresServer()
    try:
        on_postgres = measured("bench.taps_work", server.database("bench"))
    finally:
        server.stop()
    return [*measured("bench.taps_work"), *on_postgres]
