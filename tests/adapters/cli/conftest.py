import pytest

from tests.adapters.cli.terminal import Terminal


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()
