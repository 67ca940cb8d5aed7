"""The service, Stripe's stand-in and a browser: one of each for all tests of a process."""

import asyncio
import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.browser.console import People
from tests.browser.host import Host, Stack, started

NO_BROWSER = (
    "No browser was found. `make browser` installs one; `make test BROWSER=no` leaves these tests out."
)
_FEATURES = [
    # The pages around the panel come from no server, which makes this machine a foreign network to them.
    "LocalNetworkAccessChecks",
    # Each test's window would load two pages of the browser's own, for an address bar that nobody sees, and start a
    # renderer in advance: more work than most tests' own pages.
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "SpareRendererForSitePerProcess",
]
FLAGS = [
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    # Compiling the scripts of pages that live for a second takes longer than their best code saves.
    "--js-flags=--no-opt,--no-maglev",
    "--disable-features=" + ",".join(_FEATURES),
]
# The first has the same engine and no windows, which take the others a fifth of the CPU time of all these tests.
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PLAYWRIGHTS_NAMES = ("chrome-headless-shell", "chrome")
_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.slow)


class _PlaywrightLoop:
    """Playwright's event loop counts as running in this thread from its first test to its end, and forbids others.

    It counts only during the tests in here, and while Playwright ends: tests of other folders run loops of their own.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def resume(self) -> None:
        asyncio._set_running_loop(self._loop)

    def pause(self) -> None:
        self._loop = asyncio._get_running_loop()
        asyncio._set_running_loop(None)


_loop = _PlaywrightLoop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    if _HERE not in item.path.parents:
        return (yield)
    _loop.resume()
    try:
        return (yield)
    finally:
        _loop.pause()


@pytest.fixture(scope="session")
def browser(browser):
    """Ends before Playwright does, perhaps after a test of another folder."""
    yield browser
    _loop.resume()


def find_browser() -> str | None:
    """One that is there; else the one that `make browser` has installed."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is not None:
        return found
    folder = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", ".venv/browsers"))
    installed = (path for name in _PLAYWRIGHTS_NAMES for path in folder.glob(f"chromium*/*/{name}"))
    return next(map(str, installed), None)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    executable = find_browser()
    if executable is None:
        pytest.fail(NO_BROWSER)
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {**browser_type_launch_args, "executable_path": executable, "args": [*FLAGS, *as_root]}


@pytest.fixture(scope="session")
def stack(tmp_path_factory) -> Iterator[Stack]:
    with started(tmp_path_factory.mktemp("stack")) as stack:
        yield stack


@pytest.fixture
def host(stack, context) -> Iterator[Host]:
    """A page like the ERP's, with an order of its own; nothing may go wrong in its script."""
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    host = Host(stack, context)
    yield host
    context.unroute_all(behavior="ignoreErrors")
    assert host.errors == []


@pytest.fixture
def people(browser) -> Iterator[People]:
    people = People(browser)
    yield people
    people.leave()
