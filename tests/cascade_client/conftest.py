"""The small world of the client's tests."""

import pytest

from tests.cascade_client.world import World


@pytest.fixture
def world(redis_url: str) -> World:
    """An empty Redis with nothing but what the test puts there."""
    return World(redis_url)
