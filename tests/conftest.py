"""What all tests share: a private state directory, a real Redis, the database of choice.

SQLite by default; with DATABASE_URL the same tests run on PostgreSQL.
"""

import os
import tempfile
from collections.abc import Iterator

os.environ["CONSOLE_HOME"] = tempfile.mkdtemp(prefix="console-test-")
os.environ.setdefault("SECRET_KEY", "tests-only-" + "x" * 40)
os.environ["ALLOWED_HOSTS"] = "127.0.0.1,localhost,testserver"
for _name in ("BROKER", "CONSOLE_CONFIG", "REDIS_URL", "CELERY_BROKER_URL", "DEMO"):
    os.environ.pop(_name, None)

import pytest  # noqa: E402

from tests.support.redis_server import RedisServer  # noqa: E402


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """One server for the whole run; a test that kills it must start it again."""
    server = RedisServer()
    yield server
    server.stop()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The URL of an empty server."""
    redis_server.client().flushall()
    return redis_server.url
