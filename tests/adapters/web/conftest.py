import pytest

from tests.adapters.web.world import World


@pytest.fixture
def world():
    return World()
