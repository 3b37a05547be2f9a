"""`./manage.py summarise`: keeps the summaries of flows true while events come in."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from tracing import summariser
from tracing.search import index


class Command(BaseCommand):
    """A process of `./manage.py up`; several may run beside each other on PostgreSQL."""

    help = "Recompute the summaries of flows that changed; SIGTERM ends it after its batch."

    def add_arguments(self, parser: CommandParser) -> None:
        """`--once`."""
        parser.add_argument("--once", action="store_true", help="end when nothing is dirty")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until a signal, or with --once until there is nothing to do."""
        if options["once"]:
            done = summariser.summarise_all()
            while index.index_batch():
                pass
            self.stdout.write(f"{done} flow{'' if done == 1 else 's'} summarised")
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        summariser.run(stop)
