"""One tap of bench/taps_work.py: takes in what there is at each line of its standard input."""

import sys

from bench.tap_work import KEYS
from brokers import config as configuration
from brokers.config import BrokerConfig, Config
from brokers.redis_streams import RedisStreams
from console.rulebook import Rulebook
from console.tap import Tap, share_the_lock


def main() -> None:
    """`ready`, then a line for each line: all is taken in."""
    url, process = sys.argv[1:]
    share_the_lock()
    configuration.use(lambda: Config(keys=KEYS))
    tap = Tap([RedisStreams(BrokerConfig("shop", url, tap=True))], Rulebook(), process)
    tap.drain()
    print("ready", flush=True)
    for _ in sys.stdin:
        tap.drain()
        print("done", flush=True)
