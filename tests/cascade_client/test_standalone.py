"""A service that has neither Django nor the rest of us can use the client."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top in ("django", "kit", "brokers", "tracing", "dlq", "lag", "console", "shop"):
            raise ImportError(name)

sys.meta_path.insert(0, Refuse())
sys.path.insert(0, sys.argv[1])
from redis import Redis
from cascade_client import Producer, RedisTransport

transport = RedisTransport(Redis.from_url(sys.argv[2]))
print(Producer(transport, "/alone").publish("orders", "OrderPlaced", {"a": 1}).id)
"""


def test_it_publishes_with_django_and_the_console_blocked(redis_url: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-c", SCRIPT, str(ROOT), redis_url],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.strip()) == 36
