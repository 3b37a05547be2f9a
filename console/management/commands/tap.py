"""`./manage.py tap`: takes in events, receipts and dead letters."""

import json
import signal
import socket
import threading
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from brokers.config import ConfigError, current
from brokers.connect import connect
from brokers.contract import BrokerError
from console.rulebook import Rulebook
from console.tap import Tap, share_the_lock


class Command(BaseCommand):
    """A process of `./manage.py up`. Several share the streams of a broker with tap = true; of the
    others each is read by one of them."""

    help = "Take in what the brokers have; SIGTERM ends it after its batch."

    def add_arguments(self, parser: CommandParser) -> None:
        """`--once`, `--json`, `--process`."""
        parser.add_argument("--once", action="store_true", help="end when all is taken in")
        parser.add_argument("--json", action="store_true", help="say what was taken in as JSON")
        parser.add_argument(
            "--process",
            default=socket.gethostname(),
            help="its name: the same after a restart, another for each tap",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until a signal, or with --once until there is nothing to take in."""
        share_the_lock()
        tap = self._tap(options["process"])
        if options["once"]:
            try:
                tap.drain()
            except (BrokerError, DatabaseError) as error:
                raise CommandError(str(error)) from error
        else:
            stop = threading.Event()
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: stop.set())
            tap.run(stop)
        self._report(asdict(tap.totals), as_json=options["json"])

    def _tap(self, process: str) -> Tap:
        try:
            config = current()
            names = [one.name for one in config.brokers if not one.hidden]
            if not names:
                self.stderr.write("nothing to take in: no broker is configured")
            return Tap([connect(name) for name in names], Rulebook(), process)
        except ConfigError as error:
            raise CommandError(str(error)) from error

    def _report(self, totals: dict[str, int], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(totals))
        else:
            words = (f"{count:,} {name.replace('_', ' ')}" for name, count in totals.items())
            self.stdout.write(", ".join(words))
