"""`./manage.py pin`: orders that retention leaves whole."""

import getpass
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from kit.clock import rfc3339
from tracing import pins
from tracing.models import Flow


class Command(BaseCommand):
    """Pins, unpins, lists."""

    help = "Pin an order by its correlation ID, so that retention leaves it whole; without: list."

    def add_arguments(self, parser: CommandParser) -> None:
        """ID, `--remove`, `--reason`, `--json`."""
        parser.add_argument("id", nargs="?", default="", help="correlation ID")
        parser.add_argument("--remove", action="store_true", help="unpin it")
        parser.add_argument("--reason", default="", help="for the audit")
        parser.add_argument("--json", action="store_true", help="as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError when nothing was seen of the ID, or too many are pinned."""
        if options["id"]:
            change = pins.unpin if options["remove"] else pins.pin
            actor = f"{getpass.getuser()} (terminal)"
            try:
                flow = change(options["id"], actor=actor, user=None, reason=options["reason"])
            except Flow.DoesNotExist:
                raise CommandError(f"nothing was seen of {options['id']}") from None
            except pins.PinsFullError as error:
                raise CommandError(str(error)) from error
            self._print([flow], as_json=options["json"])
            return
        self._print(list(pins.pinned()), as_json=options["json"])

    def _print(self, flows: list[Flow], *, as_json: bool) -> None:
        rows = [
            {
                "correlation_id": flow.flow_id,
                "label": flow.label,
                "pinned_at": None if flow.pinned_at is None else rfc3339(flow.pinned_at),
                "pinned_by": flow.pinned_by,
            }
            for flow in flows
        ]
        if as_json:
            self.stdout.write(json.dumps(rows, indent=2))
            return
        for row in rows:
            by = f"pinned by {row['pinned_by']} at {row['pinned_at']}"
            state = by if row["pinned_at"] else "not pinned"
            self.stdout.write(f"{row['label'] or row['correlation_id']}  {state}")
