"""`./manage.py storage`: how large the store is, how it grows, and what retention did."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from kit import clock, formats
from kit.sqlite import space
from tracing.retention import report, samples
from tracing.retention.report import Report

COMPACT = """All of the database is written anew, so that it can shrink from now on: {size}.
Nothing can be written meanwhile: the tap waits, and what is posted is answered 503 or late. As much
room again must be free on the disk. Stop the console first if it can be stopped.
"""


class Command(BaseCommand):
    """Measures at once; `--compact` rewrites a SQLite database that cannot shrink."""

    help = "Sizes, growth, days left, the oldest event, and what retention did last."

    def add_arguments(self, parser: CommandParser) -> None:
        """`--json`, `--compact`, `--yes`."""
        parser.add_argument("--json", action="store_true", help="as GET /api/storage answers")
        parser.add_argument("--compact", action="store_true", help="SQLite: write the file anew")
        parser.add_argument("--yes", action="store_true", help="with --compact: do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError when --compact is not for this database, or not wanted after all."""
        if options["compact"]:
            self._compact(sure=options["yes"])
        samples.take(clock.now())
        found = report.report(clock.now())
        if options["json"]:
            self.stdout.write(json.dumps(report.document(found), indent=2))
            return
        for line in _lines(found):
            self.stdout.write(line)

    def _compact(self, *, sure: bool) -> None:
        if connection.vendor != "sqlite":
            raise CommandError(
                "PostgreSQL uses the room of deleted rows again; to give it to the disk is"
                " VACUUM FULL, which locks each table: ask whoever runs the database"
            )
        size = formats.size(space.pages().file)
        self.stderr.write(COMPACT.format(size=size))
        if not sure and input("Go on? [yes/no] ").strip() != "yes":
            raise CommandError("nothing was done")
        space.compact()
        space.fold_log()


def _lines(found: Report) -> list[str]:
    lines = [f"used      {formats.size(found.room.used)} of {formats.size(found.room.file)}"]
    if found.room.log is not None:
        lines.append(f"log       {formats.size(found.room.log)}")
    if found.limit is not None:
        lines.append(f"at most   {formats.size(found.limit)} ([retention] max_size)")
    if found.disk_free is not None:
        lines.append(f"disk      {formats.size(found.disk_free)} free")
    lines.append(f"growth    {_growth(found)}")
    lines.append(f"oldest    {formats.full_time(found.oldest_at)}")
    lines += ["", f"{'kind':<28}{'rows, about':>14}{'size, about':>14}"]
    lines += [f"{use.kind:<28}{use.rows:>14,}{formats.size(use.bytes):>14}" for use in found.uses]
    if found.walked:
        lines += ["", f"{'retention':<28}{'deleted':>14}  last"]
    for one in found.walked:
        behind = f", behind by {formats.age(one.behind_s)}" if one.behind_s >= 60 else ""
        last = formats.full_time(one.last_at) if one.last_at else "never"
        lines.append(f"{one.words:<28}{one.deleted:>14,}  {last}{behind}")
    return lines


def _growth(found: Report) -> str:
    if found.growth is None:
        return "unknown: it is known an hour after the first sample"
    if found.growth <= 0:
        return "none in the last day"
    days = "" if found.days_left is None else f", {found.days_left:,.1f} days left"
    return f"{formats.size(round(found.growth))} a day{days}"
