"""`./manage.py cascade ID`: the cascade of an order at a terminal."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tracing import exports, queries
from tracing.filters import FlowFilter
from tracing.listing import listed
from tracing.models import Flow, FlowKey
from tracing.report import document


class Command(BaseCommand):
    """Prints what happened; `--json` prints the same document as the API."""

    help = "Show the cascade of an order number, key, correlation ID or event ID."

    def add_arguments(self, parser: CommandParser) -> None:
        """ID and `--json`."""
        parser.add_argument("id", help="order number, key, correlation ID or event ID")
        parser.add_argument("--json", action="store_true", help="as a JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError when nothing, or more than one flow, is meant."""
        flow = _flow(options["id"])
        cascade = queries.cascade_of(flow.flow_id, truncated_before=flow.truncated_before)
        if cascade is None:
            raise CommandError(f"nothing was seen of {options['id']}")
        if options["json"]:
            keys = FlowKey.objects.filter(flow_id=flow.flow_id).order_by("key")
            answer = document(flow, list(keys.values_list("key", flat=True)), cascade)
            self.stdout.write(json.dumps(answer, indent=2))
            return
        self.stdout.write(exports.text(flow, cascade))


def _flow(text: str) -> Flow:
    exact = queries.flow_of(text)
    if exact is not None:
        return exact
    found = listed(FlowFilter(q=text), limit=6).page.items
    if not found:
        raise CommandError(f"nothing was seen of {text}")
    if len(found) > 1:
        names = ", ".join(flow.flow_id for flow in found[:5])
        raise CommandError(f"{text} means more than one flow: {names}")
    return found[0]
