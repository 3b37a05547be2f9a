"""`./manage.py shop`: the demo's shop, at the addresses of the running demo."""

import getpass
import os
import subprocess
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from console import demo, environment


class Command(BaseCommand):
    """Hands its words to `python -m shop`, for example `incident payment-release off`."""

    help = "Speak to the demo's shop: incident NAME on|off, incident list, ledger --json."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """The shop's own words."""
        parser.add_argument("words", nargs="+", help="for example: incident payment-release off")

    def run_from_argv(self, argv: list[str]) -> None:
        """As usual, but options such as --json belong to the shop."""
        super().run_from_argv([*argv[:2], "--", *argv[2:]] if "--help" not in argv else argv)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the shop's command; its exit code is ours."""
        if not settings.SHOP_REDIS_URL:
            raise CommandError("no shop runs here; start it with: make demo")
        shared = environment.saved(settings.CONSOLE_HOME)
        names = {name: value for name, value in shared.items() if name.startswith("SHOP_")}
        words = [sys.executable, "-m", "shop", *options["words"]]
        answer = subprocess.run(
            words, cwd=settings.BASE_DIR, env={**names, **os.environ}, check=False
        )
        if answer.returncode == 0:
            _note(options["words"])
        sys.exit(answer.returncode)


def _note(words: list[str]) -> None:
    """`incident NAME on|off` may deploy a release."""
    verb, name, switch = [*words, "", "", ""][:3]
    if verb == "incident" and switch in ("on", "off"):
        demo.note_deployment(name, switch == "on", actor=getpass.getuser(), user=None)
