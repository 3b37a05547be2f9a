"""Which processes there are, in the order of their start. Pure."""

import socket
import sys
from dataclasses import dataclass

CONSUMERS = ("payment", "inventory", "notification", "analytics", "fulfilment")


@dataclass(frozen=True)
class Program:
    """One process that supervisor keeps."""

    name: str
    command: tuple[str, ...]
    stop_s: int = 10  # how long a graceful stop may take before SIGKILL
    may_end: bool = False  # ends by itself with exit code 0 when its work is done


def console(host: str, port: int, taps: int = 1) -> list[Program]:
    """The product's own processes; `taps` of them take in, sharing the streams of a broker."""
    further = [
        Program(f"tap-{number}", _manage("tap", "--process", f"{socket.gethostname()}-{number}"))
        for number in range(2, taps + 1)
    ]
    return [
        Program("summariser", _manage("summarise")),
        Program("tap", _manage("tap")),
        *further,
        Program("retention", _manage("retain")),
        Program("worker-replay", _worker("replay")),
        Program("worker-sampling", _worker("sampling")),
        Program("beat", _python("celery", "--quiet", "-A", "console", "beat", "-l", "WARNING")),
        Program("web", _web(host, port)),
    ]


def shop() -> list[Program]:
    """The shop of the demo: consumers first, so that no order waits for its first one."""
    consumers = [Program(f"shop-{name}", _python("shop", "consumer", name)) for name in CONSUMERS]
    return [
        *consumers,
        Program("shop-orders", _python("shop", "orders")),
        Program("shop-traffic", _python("shop", "traffic"), may_end=True),
    ]


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)


def _manage(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "manage.py", *arguments)


def _worker(queue: str) -> tuple[str, ...]:
    """A Celery worker for one queue; tasks are slices of a second, so one at a time is enough."""
    return _python(
        *("celery", "--quiet", "-A", "console", "worker", "-Q", queue, "-n", f"{queue}@%h"),
        *("-l", "WARNING", "--pool", "solo", "--without-gossip", "--without-mingle"),
    )


def _web(host: str, port: int) -> tuple[str, ...]:
    return _python(
        *("granian", "--interface", "wsgi", "--host", host, "--port", str(port)),
        *("--workers", "1", "--blocking-threads", "32", "--no-ws", "--respawn-failed-workers"),
        *("--log-level", "warning", "console.wsgi:application"),
    )
