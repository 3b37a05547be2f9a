"""`./manage.py cascade ID`: the cascade of an order at a terminal."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from kit import formats
from tracing import queries
from tracing.cascade import Cascade, Delivery, EventNode
from tracing.filters import FlowFilter
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
        cascade = queries.cascade_of(flow.flow_id)
        if cascade is None:
            raise CommandError(f"nothing was seen of {options['id']}")
        if options["json"]:
            keys = FlowKey.objects.filter(flow_id=flow.flow_id).order_by("key")
            answer = document(flow, list(keys.values_list("key", flat=True)), cascade)
            self.stdout.write(json.dumps(answer, indent=2))
            return
        self.stdout.write(f"{flow.label or flow.flow_id}  {flow.status}  {flow.reason}")
        for line in cascade.outline:
            self.stdout.write(f"{'  ' * (line.depth + 1)}{_words(line.node)}")
        _write_extras(self, cascade)


def _flow(text: str) -> Flow:
    exact = queries.flow_of(text)
    if exact is not None:
        return exact
    found = list(FlowFilter(q=text).apply(Flow.objects.all()).order_by("-started_at")[:6])
    if not found:
        raise CommandError(f"nothing was seen of {text}")
    if len(found) > 1:
        names = ", ".join(flow.flow_id for flow in found[:5])
        raise CommandError(f"{text} means more than one flow: {names}")
    return found[0]


def _words(node: EventNode | Delivery) -> str:
    if isinstance(node, EventNode):
        seen = formats.trace_time(node.at) if node.seen else "not seen"
        return f"{node.name}  {seen}"
    tries = f", {formats.plural(node.tries, 'attempt')}" if node.tries > 1 else ""
    letter = f", dead letter {node.letter_id}" if node.letter_id else ""
    error = f", {node.attempts[-1].error_type}" if node.attempts else ""
    failed = error if node.state == "failed" else ""
    return f"{node.consumer}: {node.state.value}{tries}{failed}{letter}"


def _write_extras(command: BaseCommand, cascade: Cascade) -> None:
    whole = sum(segment.seconds for segment in cascade.critical_path)
    shares: dict[str, float] = {}
    for segment in cascade.critical_path:
        shares[segment.kind.value] = shares.get(segment.kind.value, 0.0) + segment.seconds
    parts = [f"{kind} {formats.duration(seconds)}" for kind, seconds in shares.items()]
    command.stdout.write(f"critical path {formats.duration(whole)}: {', '.join(parts)}")
    for anomaly in cascade.anomalies:
        command.stdout.write(f"anomaly: {anomaly.detail}")
