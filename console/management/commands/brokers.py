"""`./manage.py brokers`: what is configured, and what each broker has."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from brokers.config import ConfigError
from brokers.connect import connect_all
from brokers.contract import BrokerError
from brokers.redis_streams import RedisStreams
from kit.formats import plural


class Command(BaseCommand):
    """Asks every configured broker; changes nothing on any."""

    help = "The configured brokers, the streams found on each, and what is switched on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """`--json` for machines."""
        parser.add_argument("--json", action="store_true", help="one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print. Raises CommandError when the configuration is wrong."""
        try:
            found = [_describe(broker) for broker in connect_all()]
        except ConfigError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps({"items": found}, indent=2))
            return
        if not found:
            self.stdout.write("no broker: set BROKER=redis://… or CONSOLE_CONFIG")
        for one in found:
            self.stdout.write(_words(one))
            for stream in one["streams"]:
                whose = f" of {stream['consumer']}" if stream["consumer"] else ""
                role = stream["role"].replace("_", " ")
                self.stdout.write(f"  {stream['name']}  {role}{whose}")


def _describe(broker: RedisStreams) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": broker.name,
        "tap": broker.config.tap,
        "replay": broker.config.replay,
        "hidden": broker.config.hidden,
        "error": "",
        "streams": [],
    }
    try:
        described["streams"] = [
            {
                "name": stream.name,
                "topic": stream.topic,
                "role": stream.role.value,
                "consumer": stream.consumer,
            }
            for stream in broker.streams()
        ]
    except BrokerError as error:
        described["error"] = str(error)
    return described


def _words(one: dict[str, Any]) -> str:
    if one["hidden"]:
        return f"{one['name']}: the console's own task transport, hidden"
    if one["error"]:
        return f"{one['name']}: {one['error']}"
    on = [word for word in ("tap", "replay") if one[word]]
    mode = " and ".join(on) if on else "observe only"
    return f"{one['name']}: {plural(len(one['streams']), 'stream')}, {mode}"
