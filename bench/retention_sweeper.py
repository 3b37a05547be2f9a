"""The process of retention as `manage.py retain` runs it, but that bench can make it rest."""

import sys
import threading

import django

django.setup()

from brokers import config  # noqa: E402
from brokers.config import Config  # noqa: E402
from brokers.retention import Retention  # noqa: E402
from tracing.retention import loop  # noqa: E402


def main() -> None:
    """`on` and `off` on the standard input; each is answered when it is so."""
    config.use(lambda: Config(retention=Retention(events="1s")))
    stop, work = threading.Event(), threading.Thread()
    for line in sys.stdin:
        if line.strip() == "on":
            stop = threading.Event()
            work = threading.Thread(target=loop.run, args=(stop,))
            work.start()
        else:
            stop.set()
            work.join()
        print(line.strip(), flush=True)


if __name__ == "__main__":
    main()
