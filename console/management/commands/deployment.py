"""`./manage.py deployment SERVICE RELEASE`: say that a release went out."""

import getpass
import json
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from console import demo
from console.deployments import ORDER, document
from kit import clock, deployments
from kit.models import Deployment

LISTED = 20


class Command(BaseCommand):
    """Without words it lists what went out; said twice, a deployment is one."""

    help = "Say that a release of a service went out, or list the last ones."

    def add_arguments(self, parser: CommandParser) -> None:
        """SERVICE, RELEASE, `--at`, `--note`, `--actor`, `--json`."""
        parser.add_argument("service", nargs="?", help="as its consumer is called: payment")
        parser.add_argument("release", nargs="?", help="1.8.1")
        parser.add_argument("--at", type=_moment, help="RFC 3339 with its zone; now otherwise")
        parser.add_argument("--note", default="")
        parser.add_argument("--actor", default=getpass.getuser())
        parser.add_argument("--demo", action="store_true", help="what the demo begins with")
        parser.add_argument("--json", action="store_true", help="as a JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError when only one of service and release is there."""
        if options["demo"]:
            for name in demo.INCIDENTS:
                demo.note_deployment(name, True, actor="demo", user=None)
            return
        if not options["service"]:
            rows = list(Deployment.objects.order_by(*ORDER)[:LISTED])
            self._print(rows, as_json=options["json"])
            return
        if not options["release"]:
            raise CommandError("which release? ./manage.py deployment payment 1.8.1")
        row, _ = deployments.record(
            options["service"][:255],
            options["release"][:80],
            options["at"] or clock.now(),
            actor=options["actor"],
            user=None,
            note=options["note"][:300],
        )
        self._print([row], as_json=options["json"])

    def _print(self, rows: list[Deployment], *, as_json: bool) -> None:
        found = [document(row).model_dump() for row in rows]
        if as_json:
            self.stdout.write(json.dumps({"items": found}, indent=2))
            return
        for one in found:
            self.stdout.write(f"{one['at']}  {one['service']} {one['release']}  {one['note']}")


def _moment(text: str) -> datetime:
    """argparse turns a ValueError into a message."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("a time needs its zone")
    return found
