import pytest

from tests.use_cases.operations.patient import healthy, ready_to_go_live
from tests.world import World


@pytest.fixture
def world() -> World:
    """A world in which nothing is wrong."""
    return healthy(World(STRIPE_WEBHOOK_SECRETS=""))


@pytest.fixture
def receiving() -> World:
    """The same, with a secret with which tests can sign."""
    return healthy(World())


@pytest.fixture
def ready() -> World:
    """One that may go live."""
    return ready_to_go_live()
