"""`./manage.py welcome`: the first person, and a way in."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from console import people
from console.processes.home import write_private


class Command(BaseCommand):
    """Makes the first person if there is none and prints a login link that works once."""

    help = "Print a one-time login link for the first person (made if there is none)."

    def add_arguments(self, parser: CommandParser) -> None:
        """`--demo`."""
        parser.add_argument("--demo", action="store_true", help="the demo's person and API token")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print what a newcomer needs next."""
        user = people.first(people.DEMO_NAME if options["demo"] else "admin")
        self.stdout.write(f"log in as {user.username}: {people.login_link(user)}  (works once)")
        if options["demo"]:
            path = settings.CONSOLE_HOME / "demo" / "token"
            if not (path.exists() and people.is_valid(path.read_text(encoding="utf-8").strip())):
                write_private(path, people.demo_token(user) + "\n")
            self.stdout.write(f"API token: {path}")
        self.stdout.write("Ctrl-C stops everything")
