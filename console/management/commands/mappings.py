"""`./manage.py mappings`: how foreign streams are mapped, and a proposal for one that is not."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from brokers import config as configuration
from brokers.config import ConfigError, MappingConfig
from brokers.connect import connect
from brokers.contract import BrokerError
from console.mappings import saved, trial
from kit.formats import plural
from tracing.envelope.suggest import SAMPLES


class Command(BaseCommand):
    """Reads only; saving is done in Settings, by the API, or in console.toml."""

    help = "The mappings in force; --propose STREAM: one from the last messages of a stream."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`--propose`, `--broker`, `--json`."""
        parser.add_argument("--propose", metavar="STREAM", help="look at its last messages")
        parser.add_argument("--broker", help="needed where there are several")
        parser.add_argument("--json", action="store_true", help="one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print. Raises CommandError when there is no such broker, or it does not answer."""
        try:
            if options["propose"]:
                self._propose(options["broker"] or _only(), options["propose"], options["json"])
            else:
                self._list(as_json=options["json"])
        except (ConfigError, BrokerError) as error:
            raise CommandError(str(error)) from error

    def _list(self, *, as_json: bool) -> None:
        rows: list[tuple[MappingConfig, str]] = [
            (one, "console.toml") for one in configuration.current().mappings
        ]
        rows += [(saved.as_mapping(row), row.saved_by) for row in saved.saved()]
        if as_json:
            items = [
                {
                    "broker": m.broker,
                    "stream": m.stream,
                    **m.places(),
                    "keys": dict(m.keys),
                    "by": by,
                }
                for m, by in rows
            ]
            self.stdout.write(json.dumps({"items": items}, indent=2))
            return
        if not rows:
            self.stdout.write("# no mapping: --propose STREAM makes one from its last messages")
        for mapping, by in rows:
            self.stdout.write(f"# {by}\n{saved.toml(mapping)}\n")

    def _propose(self, broker: str, stream: str, as_json: bool) -> None:
        entries = connect(broker).latest(stream, SAMPLES)
        proposed = trial.proposal(entries)
        mapping = proposed.mapping(broker, stream)
        told = trial.attempt(entries, mapping, configuration.current().keys)
        why = {name: one.why for name, one in (*proposed.fields.items(), *proposed.keys.items())}
        if as_json:
            messages = [asdict(one) for one in told]
            document = {
                "broker": broker,
                "stream": stream,
                "samples": proposed.samples,
                **{"places": mapping.places(), "keys": dict(mapping.keys), "why": why},
                "messages": messages,
            }
            self.stdout.write(json.dumps(document, indent=2, default=str))
            return
        self.stdout.write(f"# from the last {plural(proposed.samples, 'message')} of {stream}")
        self.stdout.write(saved.toml(mapping))
        for name, reason in why.items():
            self.stdout.write(f"#   {name}: {reason}")
        for one in told:
            flow = one.correlation or "a flow of its own"
            self.stdout.write(f"# {one.position}  {one.note or f'{one.type} {one.id}, {flow}'}")


def _only() -> str:
    names = [one.name for one in configuration.current().brokers if not one.hidden]
    if len(names) != 1:
        raise CommandError(f"say --broker: one of {', '.join(names) or '(none is configured)'}")
    return names[0]
