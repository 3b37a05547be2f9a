"""`./manage.py dlq list|show|edit|replay|discard`: dead letters at a terminal."""

import getpass
import json
import sys
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from pydantic import BaseModel

from dlq import (
    classes,
    control,
    discard,
    documents,
    editing,
    export,
    plan,
    queries,
    ramp,
    replay_documents,
)
from dlq.choices import DEFAULT, FIXED
from dlq.editing import EditError
from dlq.filters import LetterFilter
from dlq.models import Letter, Replay
from dlq.plan import Chooser
from dlq.refusals import Refused
from dlq.words import OVER, Choice
from kit import clock, formats
from kit.redaction import mask_text

LISTED = 50
FILTERS = ("q", "group", "consumer", "state", "since", "until")


class Command(BaseCommand):
    """Every action is in the audit with the name of who runs the command (`--actor`)."""

    help = "List, show, edit, replay and discard dead letters."

    def add_arguments(self, parser: CommandParser) -> None:
        """One sub-command each; `--json` everywhere."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        listed = verbs.add_parser("list", help="dead letters, newest first")
        _filters(listed)
        listed.add_argument("--limit", type=int, default=LISTED)
        listed.add_argument("--format", choices=[*export.FORMATS], help="all that match, as lines")
        show = verbs.add_parser("show", help="one letter with what a replay would send")
        show.add_argument("id", type=int)
        edit = verbs.add_parser("edit", help="keep a revision; the original stays")
        edit.add_argument("id", type=int)
        edit.add_argument("--payload", default="-", help="file with the new payload, - for stdin")
        for verb in (
            replay := verbs.add_parser("replay", help="plan a replay and start it"),
            drop := verbs.add_parser("discard", help="take letters off their queue for good"),
        ):
            verb.add_argument("ids", type=int, nargs="*", help="letters, or use a filter")
            _filters(verb)
        replay.add_argument("--dry-run", action="store_true", help="only freeze and show the plan")
        for choice in Choice:
            replay.add_argument(
                f"--{choice.value}",
                action="append",
                default=[],
                choices=[fate.value for fate in DEFAULT if fate not in FIXED],
                help=f"{choice.value} letters of this class; again for another",
            )
        replay.add_argument("--accept-others", action="store_true", help="others may see it too")
        replay.add_argument("--rate", type=int, default=0, help="sends a second, 0: no limit")
        replay.add_argument(
            "--ramp",
            type=_sizes,
            default=list(ramp.DEFAULT),
            help="letters of each gate before the rest, 1,5,25; 'none': all at once",
        )
        replay.add_argument(
            "--most-failed", type=int, default=ramp.MOST_FAILED, help="per cent of a gate"
        )
        replay.add_argument("--wait", action="store_true", help="until every outcome is known")
        for verb in (edit, replay, drop):
            verb.add_argument("--reason", default="", help="kept in the audit")
            verb.add_argument("--actor", default=getpass.getuser())
        for verb in (listed, show, edit, replay, drop):
            verb.add_argument("--json", action="store_true", help="as a JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError with what was refused and why."""
        try:
            getattr(self, f"_{options['verb']}")(options)
        except Refused as refusal:
            raise CommandError(f"{refusal.title}. {refusal.detail}".strip()) from refusal
        except EditError as error:
            where = f" (line {error.line}, column {error.column})" if error.line else ""
            raise CommandError(f"{error.field}: {error.text}{where}") from error

    def _list(self, options: dict[str, Any]) -> None:
        chosen = LetterFilter.from_query(options)
        if chosen.trouble:
            raise CommandError(chosen.trouble)
        if options["format"]:
            for line in export.lines(chosen.apply(Letter.objects.all()), options["format"]):
                self.stdout.write(line, ending="")
            return
        found = queries.letters(chosen).order_by(*queries.BY_DEATH)
        rows = list(found[: options["limit"]])
        if options["json"]:
            self._print([documents.letter(row).model_dump() for row in rows])
            return
        for row in rows:
            age = formats.age((clock.now() - row.died_at).total_seconds())
            error = mask_text(f"{row.error_type}: {row.error_message}")[:60]
            name = row.label or row.event_id or row.dead_position
            self.stdout.write(f"{row.pk:>8}  {row.state:<10} {row.consumer:<14} {name:<16} {error}")
            self.stdout.write(f"{'':>10}{age}, {formats.plural(row.deaths, 'death')}")

    def _show(self, options: dict[str, Any]) -> None:
        document = documents.whole_letter(_letter(options["id"]))
        if options["json"]:
            self._print(document)
            return
        for name, value in document.model_dump(exclude={"payload", "headers"}).items():
            self.stdout.write(f"{name}: {value}")
        for name, value in document.headers.items():
            self.stdout.write(f"  {name}: {value}")
        self.stdout.write(document.payload)

    def _edit(self, options: dict[str, Any]) -> None:
        path = options["payload"]
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
        letter = _letter(options["id"])
        made = editing.revise(letter, text, None, options["reason"], options["actor"])
        if options["json"]:
            self._print(documents.revision(made))
        else:
            self.stdout.write(f"revision {made.number} of letter {letter.pk} is kept")

    def _replay(self, options: dict[str, Any]) -> None:
        replay = plan.freeze(
            _chosen(options),
            actor=options["actor"],
            user=None,
            reason=options["reason"],
            choices={fate: choice.value for choice in Choice for fate in options[choice.value]},
            rate_per_s=options["rate"],
            gates=options["ramp"],
            most_failed=options["most_failed"],
        )
        while not classes.classify(replay.pk):
            pass
        replay.refresh_from_db()
        if not options["dry_run"]:
            replay = control.start(
                replay,
                actor=options["actor"],
                user=None,
                accept_others=options["accept_others"],
                may_release=True,  # whoever has a shell here is an admin
            )
        while options["wait"] and not options["dry_run"] and _goes_on(replay):
            time.sleep(0.5)
            replay.refresh_from_db()
        self._show_replay(replay, as_json=options["json"])

    def _show_replay(self, replay: Replay, *, as_json: bool) -> None:
        document = replay_documents.whole_replay(replay)
        if as_json:
            self._print(document)
            return
        self.stdout.write(f"replay {replay.pk}, {replay.state}: {replay.title}")
        if document.stopped:
            self.stdout.write(f"  paused itself: {document.stopped}")
        for one in document.classes:
            if one.letters:
                self.stdout.write(f"  {one.name}: {one.letters}, {one.choice}")
        for row in document.receivers:
            self.stdout.write(f"  to {row['consumer']}: {row['letters']} by {row['why']}")
        for state, count in document.account.items():
            self.stdout.write(f"  {state}: {count}")

    def _discard(self, options: dict[str, Any]) -> None:
        done = discard.discard(
            _chosen(options), options["reason"], actor=options["actor"], user=None
        )
        if options["json"]:
            self._print({"discarded": done.letters, "changed": done.changed, "copies": done.copies})
        else:
            self.stdout.write(f"discarded {formats.plural(len(done.letters), 'letter')}")

    def _print(self, document: Any) -> None:
        plain = document.model_dump() if isinstance(document, BaseModel) else document
        self.stdout.write(json.dumps(plain, indent=2))


def _goes_on(replay: Replay) -> bool:
    """Whether waiting for it makes sense: not once it is over, or has paused itself."""
    return replay.state not in OVER and not replay.plan.get("stopped")


def _sizes(text: str) -> list[int]:
    """`1,5,25`, or `none`; argparse turns a ValueError into a message."""
    return [] if text == "none" else [int(size) for size in text.split(",")]


def _filters(parser: CommandParser) -> None:
    for name in FILTERS:
        parser.add_argument(f"--{name}", default="")


def _chosen(options: dict[str, Any]) -> Chooser | list[int]:
    is_filtered = any(options[name] for name in FILTERS)
    if bool(options["ids"]) == is_filtered:
        raise CommandError("name letters, or choose them by a filter such as --group 3")
    return options["ids"] or LetterFilter.from_query(options)


def _letter(letter_id: int) -> Letter:
    found = queries.letter(letter_id)
    if found is None:
        raise CommandError(f"there is no dead letter {letter_id}")
    return found
