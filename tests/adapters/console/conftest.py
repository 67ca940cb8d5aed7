import pytest

from tests.adapters.console.browser import ConsoleWorld


@pytest.fixture
def world():
    return ConsoleWorld()
