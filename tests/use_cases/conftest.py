import pytest

from tests.world import World


@pytest.fixture
def world() -> World:
    """Connected, and able to charge."""
    world = World()
    world.connect()
    return world
