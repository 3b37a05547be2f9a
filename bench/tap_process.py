"""A tap in a process of its own, as in the product; it takes in what there is when told to."""

import subprocess
import sys
from types import TracebackType

from brokers import config as configuration
from brokers.config import BrokerConfig, Config
from brokers.redis_streams import RedisStreams
from console.rulebook import Rulebook
from console.tap import Tap, share_the_lock

KEYS = {"order": "/order_id"}
CHILD = "import django; django.setup(); from bench.tap_process import main; main()"


class TapProcess:
    """One tap, ready; as a context manager it is gone at the end."""

    def __init__(self, url: str, name: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", CHILD, url, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.wait()

    def begin(self) -> None:
        """Tell it to take in what there is; `wait` until it has."""
        assert self._process.stdin is not None
        self._process.stdin.write("drain\n")
        self._process.stdin.flush()

    def wait(self) -> None:
        """Until it is ready, or has taken in all there was."""
        assert self._process.stdout is not None
        assert self._process.stdout.readline()

    def drain(self) -> None:
        """Take in all there is."""
        self.begin()
        self.wait()

    def __enter__(self) -> "TapProcess":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)


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
