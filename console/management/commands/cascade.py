"""`./manage.py cascade ID`: the cascade of an order; `--list`: the orders that filters choose."""

from dataclasses import fields
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser

from kit import formats
from kit.filters import moment
from kit.http import Problem
from kit.limits import PAGE_SIZE
from tracing import exports, queries
from tracing.api import flows_page
from tracing.cascade import Cascade
from tracing.filters import SPANS, FlowFilter
from tracing.listing import listed
from tracing.models import Flow
from tracing.otlp_export import otlp
from tracing.report import document
from tracing.schemas import FlowOut, FlowsOut

FILTERS = [field.name for field in fields(FlowFilter)]
HELP = {
    "q": "order number, key, correlation, trace or event ID",
    "key": "such as order:4711",
    "status": "running, complete, failed, mended or quiet",
    "type": "an event type",
    "consumer": "a consumer that handled one of its events",
    "error": "words of an error: KeyError curr*",
    "text": 'words in payloads: word "a phrase" begin* -not',
    "since": "started then or later: 2026-08-18T14:00Z",
    "until": "started before",
    "last": f"started within {', '.join(SPANS)}",
}
FORMATS = ("text", "json", "mermaid", "otlp")
NAMES_SHOWN = 50  # keys, and other names


class Command(BaseCommand):
    """Prints what happened; `--json` prints the same documents as the API."""

    help = "Show the cascade of an order number, key, correlation ID or event ID, or list orders."

    def add_arguments(self, parser: CommandParser) -> None:
        """ID, or `--list` with filters; `--json`."""
        parser.add_argument(
            "id", nargs="?", help="order number, key, correlation ID or event ID of one order"
        )
        parser.add_argument("--json", action="store_true", help="as a JSON document")
        parser.add_argument("--format", choices=FORMATS, default="text", help="of one order")
        several = parser.add_argument_group("several orders")
        several.add_argument("--list", action="store_true", help="list orders, newest first")
        for name in FILTERS:
            several.add_argument(f"--{name}", default="", help=HELP[name])
        several.add_argument("--oldest", action="store_true", help="oldest first")
        several.add_argument("--limit", type=int, default=PAGE_SIZE, help="rows of a page")
        several.add_argument("--cursor", default="", help="the page after this one's `next`")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError when nothing, or more than one flow, is meant."""
        if options["list"]:
            self._list(options)
        elif options["id"]:
            self._one(options["id"], "json" if options["json"] else options["format"])
        else:
            raise CommandError("say which order, or --list")

    def _one(self, text: str, form: str) -> None:
        flow = _flow(text)
        cascade = queries.cascade_of(flow.flow_id, truncated_before=flow.truncated_before)
        if cascade is None:
            raise CommandError(f"nothing was seen of {text}")
        self.stdout.write(_written(flow, cascade, form))

    def _list(self, options: dict[str, Any]) -> None:
        try:
            found = flows_page(
                _chosen(options), options["cursor"], options["limit"], oldest=options["oldest"]
            )
        except Problem as problem:
            raise CommandError(f"{problem.title}: {problem.detail}") from None
        if options["json"]:
            self.stdout.write(found.model_dump_json(indent=2))
            return
        matches = {one.correlation_id: one for one in found.search.matches} if found.search else {}
        for flow in found.items:
            self.stdout.write(_line(flow))
            if flow.correlation_id in matches:
                match = matches[flow.correlation_id]
                self.stdout.write(f"    {match.type}: {match.snippet}")
        for line in _footer(found):
            self.stdout.write(line)


def _written(flow: Flow, cascade: Cascade, form: str) -> str:
    if form == "otlp":
        return msgspec.json.format(otlp(cascade), indent=2).decode()
    if form == "mermaid":
        return exports.mermaid(cascade)
    if form == "text":
        return exports.text(flow, cascade)
    names = queries.aliases_of(flow.flow_id, NAMES_SHOWN)
    answer = document(flow, queries.keys_of(flow.flow_id, NAMES_SHOWN), cascade, names)
    return msgspec.json.format(answer, indent=2).decode()


def _chosen(options: dict[str, Any]) -> FlowFilter:
    for name in ("since", "until"):
        if options[name] and moment(options[name]) is None:
            raise CommandError(f"--{name}: not a time; for example 2026-08-18T14:00Z")
    if options["last"] and options["last"] not in SPANS:
        raise CommandError(f"--last: one of {', '.join(SPANS)}")
    return FlowFilter.from_query(options)


def _line(flow: FlowOut) -> str:
    name = flow.label or flow.correlation_id
    return f"{flow.started_at}  {flow.status:<9} {name:<24} {flow.root_type}  {flow.reason}"


def _footer(found: FlowsOut) -> list[str]:
    words = formats.count(found.count, estimated=found.estimated)
    lines = [f"{words} {'order' if found.count == 1 else 'orders'}"]
    if found.search and found.search.more:
        lines.append("only the newest matching events were looked at")
    if found.search and found.search.behind:
        events = formats.plural(found.search.behind, "event")
        lines.append(f"the index of payloads is {events} behind")
    return [*lines, *([f"more: --cursor {found.next}"] if found.next else [])]


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
