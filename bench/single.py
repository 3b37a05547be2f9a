"""Single events by HTTP: group commit beside a row a request, and beside storing nothing.

Measured by the network, on the product's own web server and a private database of each kind.
"""

from typing import Any

from bench.child import measured
from tests.support.postgres_server import PostgresServer


def run() -> list[dict[str, Any]]:
    """The rows of the table; raises CalledProcessError when a measurement fails."""
    server = PostgresServer()
    try:
        on_postgres = measured("bench.single_work", server.database("bench"))
    finally:
        server.stop()
    return [*measured("bench.single_work"), *on_postgres]
