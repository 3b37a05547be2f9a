"""`./manage.py lag`: how far behind every consumer is, at a terminal."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from kit.formats import age, count, rate
from kit.marks import mark
from lag import api, queries
from lag.filters import LagFilter
from lag.models import Standing

_HEAD = ("consumer", "topic", "verdict", "lag", "oldest", "in/min", "out/min", "reason")


class Command(BaseCommand):
    """Prints the standings of the last round; asks no broker."""

    help = "How far behind every consumer is, worst first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`--json` for machines, `--verdict` and `--q` as on the page."""
        parser.add_argument("--json", action="store_true", help="as GET /api/lag answers")
        parser.add_argument("--verdict", default="", help="only this verdict")
        parser.add_argument("--q", default="", help="part of a consumer's or topic's name")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print."""
        chosen = LagFilter(q=options["q"], verdict=options["verdict"])
        if options["json"]:
            self.stdout.write(api.document(chosen).model_dump_json(indent=2))
            return
        rows = [_HEAD, *map(_line, chosen.apply(queries.standings()))]
        widths = [max(len(row[i]) for row in rows) for i in range(len(_HEAD) - 1)]
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
            self.stdout.write("  ".join([*cells, row[-1]]).rstrip())
        for snapshot in queries.snapshots():
            if snapshot.error:
                self.stderr.write(f"{snapshot.broker} does not answer: {snapshot.error}")
            if snapshot.note:
                self.stderr.write(f"{snapshot.broker}: {snapshot.note}")


def _line(row: Standing) -> tuple[str, ...]:
    nothing = row.messages == 0 and row.pending == 0
    return (
        row.consumer,
        row.topic,
        mark(row.verdict).word,
        count(row.messages, bounded=row.method == "bounded"),
        "none" if nothing else age(row.oldest_s),
        rate(row.in_per_min),
        rate(row.out_per_min),
        row.reason,
    )
