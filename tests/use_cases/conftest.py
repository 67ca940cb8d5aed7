import pytest

from tests.world import World


@pytest.fixture
def world() -> World:
    """A world with a connected account that can charge."""
    world = World()
    world.connect()
    return world
