"""`./manage.py welcome [NAME] [--role ROLE]`: a person, and a way in."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from console import people
from console.processes.home import write_private
from kit.permissions import Role


class Command(BaseCommand):
    """Makes the person if there is none and prints a login link that works once."""

    help = "Print a one-time login link for a person, who is made if there is none."

    def add_arguments(self, parser: CommandParser) -> None:
        """The name, `--role`, `--demo`."""
        parser.add_argument("name", nargs="?", help="admin unless given")
        parser.add_argument("--role", choices=[role.value for role in Role])
        parser.add_argument("--demo", action="store_true", help="the demo's person and API token")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print what a newcomer needs next."""
        name = options["name"] or (people.DEMO_NAME if options["demo"] else "admin")
        user = people.person(name, Role(options["role"]) if options["role"] else None)
        self.stdout.write(f"log in as {user.username}: {people.login_link(user)}  (works once)")
        if options["demo"]:
            path = settings.CONSOLE_HOME / "demo" / "token"
            if not (path.exists() and people.is_valid(path.read_text(encoding="utf-8").strip())):
                write_private(path, people.demo_token(user) + "\n")
            self.stdout.write(f"API token: {path}")
