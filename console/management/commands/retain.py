"""`./manage.py retain`: deletes what is no longer kept, beside everything else."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from kit.formats import plural
from tracing.retention import loop


class Command(BaseCommand):
    """A process of `./manage.py up`; a second one would only take twice the share of the time."""

    help = "Delete what [retention] in console.toml no longer keeps; SIGTERM ends it after a step."

    def add_arguments(self, parser: CommandParser) -> None:
        """`--once`."""
        parser.add_argument("--once", action="store_true", help="end when nothing old is left")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until a signal, or with --once until there is nothing to delete."""
        if options["once"]:
            self.stdout.write(f"{plural(loop.run_once(), 'row')} deleted")
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        loop.run(stop)
