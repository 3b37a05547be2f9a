"""A cascade of 10,000 nodes as JSON, beside the bare reading and writing of as much.

Measured in a process of its own on each database, from Django's handler inwards. A cascade of 20
nodes in a small and in a large store is among the pages of bench/lists.py.
"""

from typing import Any

from bench.child import measured
from tests.support.postgres_server import PostgresServer


def run() -> list[dict[str, Any]]:
    """The rows of the table; raises CalledProcessError when a measurement fails."""
    server = PostgresServer()
    try:
        on_postgres = measured("bench.cascade_work", server.database("bench"))
    finally:
        server.stop()
    return [*measured("bench.cascade_work"), *on_postgres]
