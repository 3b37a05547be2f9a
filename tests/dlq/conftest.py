"""What the tests of replays share."""

from collections.abc import Iterator

import pytest

from tests.dlq.scene import Scene, observing
from tests.support.redis_server import RedisServer


@pytest.fixture
def shop(redis_server: RedisServer, redis_url: str) -> Iterator[Scene]:
    """Payment alone on its topic, on a real and empty Redis."""
    with observing(redis_url):
        yield Scene(redis_server)
