"""`python -m shop …`: the processes of the shop, its ledger and its incidents."""

import argparse
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable

from cascade_client import Producer
from shop import audit, supplier
from shop.consumers import CONSUMERS
from shop.deploy import PARTITIONS, connect, run_consumer, transport
from shop.incidents import INCIDENTS, Incidents
from shop.ledger import Ledger
from shop.server import serve
from shop.settings import Settings, SettingsError, load
from shop.traffic import Traffic

Command = Callable[[argparse.Namespace, Settings], None]


def main() -> int:
    """Run one command; 2 when the environment is wrong."""
    arguments = _parser().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        settings = load()
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    command: Command = arguments.command
    command(arguments, settings)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m shop", description=__doc__)
    commands = parser.add_subparsers(required=True)

    def add(name: str, command: Command, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text)
        sub.set_defaults(command=command)
        return sub

    add("orders", _orders, "the order service on SHOP_PORT")
    consumer = add("consumer", _consumer, "one process of one consumer")
    consumer.add_argument("name", choices=sorted(CONSUMERS))
    consumer.add_argument("--process", default="", help="its number or name; default: host and PID")
    add("traffic", _traffic, "customers, SHOP_RATE orders a minute, and the supplier's feed")
    ledger = add("ledger", _ledger, "what the providers' books say")
    ledger.add_argument("--json", action="store_true", help="everything, with a row an order")
    incident = add("incident", _incident, "switch an incident on or off, or list them")
    incident.add_argument("name", choices=[*INCIDENTS, "list"])
    incident.add_argument("switch", nargs="?", choices=["on", "off", "list"], default="list")
    deliver = add("deliver", _deliver, "the supplier announces a delivery")
    deliver.add_argument("sku")
    deliver.add_argument("quantity", type=int)
    return parser


def _orders(_arguments: argparse.Namespace, settings: Settings) -> None:
    serve(settings)


def _consumer(arguments: argparse.Namespace, settings: Settings) -> None:
    process = arguments.process or f"{socket.gethostname()}-{os.getpid()}"
    run_consumer(arguments.name, f"{arguments.name}-{process}", settings, _stop_on_signals())


def _traffic(_arguments: argparse.Namespace, settings: Settings) -> None:
    stop = _stop_on_signals()
    redis = connect(settings)
    feed = threading.Thread(
        target=supplier.feed, args=(redis, Incidents(redis), stop, PARTITIONS), daemon=True
    )
    feed.start()
    Traffic(settings, Ledger(settings.home), stop).run()


def _ledger(arguments: argparse.Namespace, settings: Settings) -> None:
    found = audit.report(*Ledger(settings.home).rows())
    if arguments.json:
        sys.stdout.write(json.dumps(found, indent=1) + "\n")
        return
    for name, number in found["totals"].items():
        sys.stdout.write(f"{name.replace('_', ' '):24} {number}\n")
    sys.stdout.write(f"{'unfinished':24} {len(found['unfinished'])}\n")
    sys.stdout.write(f"{'violations':24} {len(found['violations'])}\n")
    for violation in found["violations"]:
        sys.stdout.write(f"  order {violation['order_id']}: {violation['reason']}\n")


def _incident(arguments: argparse.Namespace, settings: Settings) -> None:
    incidents = Incidents(connect(settings))
    if arguments.name != "list" and arguments.switch != "list":
        incidents.switch(arguments.name, arguments.switch == "on")
    for name, on in incidents.all().items():
        if arguments.name in (name, "list"):
            sys.stdout.write(f"{name:16} {'on ' if on else 'off'}  {INCIDENTS[name]}\n")


def _deliver(arguments: argparse.Namespace, settings: Settings) -> None:
    producer = Producer(transport(settings), source="/shop/supplier")
    supplier.deliver(producer, arguments.sku, arguments.quantity)


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


if __name__ == "__main__":
    sys.exit(main())
