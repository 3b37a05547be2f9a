"""Overview and lists with 10,000 and with 1,000,000 events in the store, on both databases.

A process for each store, asked in turns, so that a busy machine weighs on both alike. Figure and
raw are how many a second, one after the other, of the large and the small store; by the quickest
quarter, since what else the machine does can only add.
"""

from statistics import quantiles
from typing import Any

from bench.child import asked
from tests.support.postgres_server import PostgresServer

SMALL, LARGE = 10_000, 1_000_000  # events
ROUNDS = 40
SLOWDOWN = 1.2  # at most (DESIGN, figures)
PAGES = {
    "overview": "/",
    "orders": "/orders",
    "orders, fourth page": "/orders",  # and three times `next`
    "orders, oldest first": "/orders?sort=oldest",
    "orders by status": "/orders?status=failed",
    "orders by type": "/orders?type=OrderPlaced",
    "orders by consumer": "/orders?consumer=payment",
    "orders by error": "/orders?error=KeyError",
    "orders by time": "/orders?last=15m",
    "orders by number": "/orders?q=order:500",
    "orders by four filters": "/orders?status=complete&type=OrderShipped&consumer=payment&last=7d",
    "orders by a word of all": "/orders?text=EUR",
    "orders by a rare word": "/orders?text=needle",
    "orders by words and error": "/orders?text=EUR+-never&error=KeyError",
    "cascade of 20 nodes": "/orders/{flow}",
    "cascade of 20 nodes, graph": "/orders/{flow}?view=graph",
    "API, cascade of 20 nodes": "/api/cascades/{flow}",
    "API, orders by status": "/api/cascades?status=failed",
}
DEEP = {"orders, fourth page": 3}  # pages to go on before it is asked


def run() -> list[dict[str, Any]]:
    """The rows of the table; raises CalledProcessError when a measurement fails."""
    server = PostgresServer()
    try:
        urls = [server.database(name) for name in ("small", "large")]
        return [*_compared("sqlite", None, None), *_compared("postgresql", *urls)]
    finally:
        server.stop()


def _compared(kind: str, small: str | None, large: str | None) -> list[dict[str, Any]]:
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in PAGES}
    with (
        asked("bench.lists_work", SMALL, small) as of_small,
        asked("bench.lists_work", LARGE, large) as of_large,
    ):
        for _ in range(ROUNDS):
            for name, url in PAGES.items():
                question = {"url": url, "on": DEEP.get(name, 0)}
                times[name].append((of_small(question), of_large(question)))
    return [_row(f"{name}, {kind}", found) for name, found in times.items()]


def _row(name: str, times: list[tuple[float, float]]) -> dict[str, Any]:
    small, large = (quantiles(found, n=4)[0] for found in zip(*times, strict=True))
    return {
        "name": name,
        "figure": 1 / large,
        "raw": 1 / small,
        "ratio": small / large,
        "target": 1 / SLOWDOWN,
    }
