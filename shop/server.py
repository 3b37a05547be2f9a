"""The order service as a process: granian, one worker, threads."""

import os
import threading
import time

from granian import Granian
from granian.constants import Interfaces

from cascade_client import Producer
from shop.acceptance import Acceptance
from shop.deploy import connect, transport
from shop.service import OrderService
from shop.settings import Settings, load

THREADS = 8
ORPHAN_LOOK_S = 1.0


def serve(settings: Settings) -> None:
    """Serve on 127.0.0.1 until SIGTERM or SIGINT, then finish what was begun."""
    Granian(
        "shop.server:application",
        factory=True,
        address="127.0.0.1",
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        respawn_failed_workers=True,
        respawn_interval=0.5,
        workers_kill_timeout=10,
    ).serve()


def application() -> OrderService:
    """The application of one worker, from the environment."""
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    settings = load()
    producer = Producer(transport(settings), source="/shop/orders")
    return OrderService(Acceptance(connect(settings), producer))


def _end_with_parent(parent: int) -> None:
    # A worker outlives a killed parent, keeps the port and answers beside the next start.
    while os.getppid() == parent:
        time.sleep(ORPHAN_LOOK_S)
    os._exit(1)
