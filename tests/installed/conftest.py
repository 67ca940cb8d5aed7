import pytest

from tests.installed.wheel import Installed, build_wheel


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("installed")
    return Installed.into(folder / "venv", build_wheel(folder))


@pytest.fixture
def empty(tmp_path):
    """A folder with nothing in it, which is also the home."""
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder
