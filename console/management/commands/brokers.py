"""`./manage.py brokers`: what is configured, and what each broker has."""

import json
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from brokers.config import BrokerConfig, ConfigError
from brokers.connect import connect_all
from brokers.contract import BrokerError, Stream
from brokers.redis_streams import RedisStreams
from console import observed
from kit import clock
from kit.clock import rfc3339
from kit.formats import plural
from tracing import cursors
from tracing.models import Cursor


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
                self.stdout.write(f"  {stream['name']}  {role}{whose}{_read_words(stream)}")


def _describe(broker: RedisStreams) -> dict[str, Any]:
    config = broker.config
    described: dict[str, Any] = {
        "name": broker.name,
        "tap": config.tap,
        "replay": config.replay,
        "hidden": config.hidden,
        "start": config.start,
        "reading": "" if config.hidden else _reading(config),
        "error": "",
        "note": "",
        "streams": [],
    }
    read = {} if config.tap else cursors.of_broker(broker.name)
    try:
        described["streams"] = [_stream(one, read, config) for one in broker.streams()]
        described["note"] = broker.note
    except BrokerError as error:
        described["error"] = str(error)
    return described


def _reading(config: BrokerConfig) -> str:
    if config.tap:
        return observed.way(config)
    stands = observed.progress(cursors.summaries().get(config.name), clock.now())
    return f"{observed.way(config)}; {stands}"


def _stream(stream: Stream, read: Mapping[str, Cursor], config: BrokerConfig) -> dict[str, Any]:
    found = read.get(stream.name)
    return {
        "name": stream.name,
        "topic": stream.topic,
        "role": stream.role.value,
        "consumer": stream.consumer,
        "read": None
        if config.tap
        else {
            "words": observed.of_stream(found, clock.now()),
            "position": found.position if found else None,
            "since": rfc3339(found.since) if found and found.since else None,
            "left_out": found.left_out if found else None,
            "lost": found.lost if found else 0,
            "noticed": found.noticed if found else "",
        },
    }


def _read_words(stream: dict[str, Any]) -> str:
    read = stream["read"]
    if read is None:
        return ""
    odd = f"; {read['noticed']}" if read["noticed"] else ""
    return f", {read['words']}{odd}"


def _words(one: dict[str, Any]) -> str:
    if one["hidden"]:
        return f"{one['name']}: the console's own task transport, hidden"
    if one["error"]:
        return f"{one['name']}: {one['error']}"
    on = [word for word in ("tap", "replay") if one[word]]
    mode = " and ".join(on) if on else "observe only"
    note = f"\n  {one['note']}" if one["note"] else ""
    streams = plural(len(one["streams"]), "stream")
    return f"{one['name']}: {streams}, {mode}\n  events are read {one['reading']}{note}"
