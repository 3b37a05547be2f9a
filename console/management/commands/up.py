"""`./manage.py up`: the whole console on this machine."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from console.processes.up import Up


class Command(BaseCommand):
    """Starts everything in order, keeps it running, stops it in reverse on Ctrl-C."""

    help = "Start web, workers, beat, tap and (unless REDIS_URL is set) Redis; Ctrl-C stops all."
    requires_system_checks: list[str] = []  # there is no database yet at the first start

    def add_arguments(self, parser: CommandParser) -> None:
        """`--port`, `--demo`."""
        parser.add_argument("--port", type=int, default=8000, help="of the web server")
        parser.add_argument("--demo", action="store_true", help="with the shop and its incidents")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until stopped."""
        home = settings.CONSOLE_HOME
        try:
            Up(settings.BASE_DIR, home, options["port"], options["demo"], self._say).run()
        except (ImproperlyConfigured, RuntimeError) as error:
            raise CommandError(str(error)) from error

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
