"""For all tests: servers, fresh databases, and the rule that nothing leaves this machine.

The servers start once per run: under xdist, the controlling process starts them before the first test; otherwise
they start when a test first needs them.
"""

import gc
import importlib
import os
import re
import shutil
import sys
import uuid
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import hypothesis
import pytest
import redis

from stripe_bridge.domain.origin import SERVICE
from stripe_bridge.ports.origin import acting_as
from tests.network import stay_on_loopback
from tests.quick_apps import make_apps_quick
from tests.servers import preloaded
from tests.servers.databases import PostgresDatabases, SqliteDatabases
from tests.servers.postgres import PostgresServer
from tests.servers.processes import scratch_folder
from tests.servers.redis import RedisServer
from tests.servers.shared import SharedServers

SERVERS = pytest.StashKey[SharedServers]()
FILES = pytest.StashKey[Path]()
SERVER_FIXTURES = {"postgres_url", "redis_url", "own_postgres", "own_redis"}
# Python's own, but for what has lived for some time: that is looked through a tenth as often.
_GC_THRESHOLDS = (700, 10, 100)
_LONGEST = {"benchmarks", "storm"}
# Folders whose tests share what takes seconds to make.
_SHARING = {"browser", "conformance", "installed", "playground"}


# Before pytest's own, which takes the folder for the tests' files from the options.
@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    stay_on_loopback()
    make_apps_quick()
    # A file of settings in the clone is for no test.
    os.environ["FLASK_SKIP_DOTENV"] = "1"
    if config.option.basetemp is None:
        # Databases wait for the disk most of their time.
        config.stash[FILES] = config.option.basetemp = scratch_folder("files")
    # In CI, the same tree always gives the same result; elsewhere, every run tries different examples.
    is_ci = bool(os.environ.get("CI"))
    hypothesis.settings.register_profile("here", deadline=None, print_blob=True, derandomize=is_ci)
    hypothesis.settings.load_profile("here")
    shown = getattr(config, "workerinput", None)
    if shown is None:
        config.stash[SERVERS] = SharedServers(run=uuid.uuid4().hex[:8])
    else:
        config.stash[SERVERS] = SharedServers.from_addresses(shown["servers"])


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if exitstatus == pytest.ExitCode.OK and FILES in session.config.stash:
        shutil.rmtree(session.config.stash[FILES], ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected lives as long as the process: the garbage collector looks through it once, and never again.

    If that includes SQLAlchemy, its engines become quick: a test of the domain alone does not load it.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        if "sqlalchemy" in sys.modules:
            importlib.import_module("tests.quick_engines").make_engines_quick()
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)
        gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["servers"] = node.config.stash[SERVERS].addresses()


def pytest_unconfigure(config: pytest.Config) -> None:
    preloaded.close()
    servers = config.stash.get(SERVERS, None)
    if servers and not hasattr(config, "workerinput"):
        servers.close()


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Each test process begins to read elsewhere: in a new clone, what one has compiled by then the others only load."""
    report = yield
    given = getattr(collector.config, "workerinput", None)
    if given and isinstance(collector, pytest.Directory):
        start = len(report.result) * int(given["workerid"].removeprefix("gw")) // given["workercount"]
        report.result = [*report.result[start:], *report.result[:start]]
    return report


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # As if all had begun at the same place: the processes must have one list.
    items.sort(key=lambda item: item.path)
    for item in items:
        if SERVER_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.servers)
    # The longest first: at the end, short ones keep all processes busy until the last. Those that share a stack one after
    # another, across their files: pytest by itself would stop and start it for almost every file.
    items.sort(key=lambda item: (*_shortness(item), _stack_of(item)))
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    items[:] = _spread(items, workers)


def _spread(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """At first each of the test processes gets one part of the list: each begins with some of the slow ones, and those that
    share a stack. A process that has nothing left takes from the end of another one's part, where the others are."""

    def is_first(item: pytest.Item) -> bool:
        return bool(item.get_closest_marker("slow") or _stack_of(item))

    first = _dealt([item for item in items if is_first(item)], workers)
    quick = [item for item in items if not is_first(item)]
    spread: list[pytest.Item] = []
    for number, theirs in enumerate(first):
        size = (len(items) - len(spread)) // (workers - number)
        until = max(0, size - len(theirs))
        spread += [*theirs, *quick[:until]]
        del quick[:until]
    return [*spread, *quick]


def _dealt(items: list[pytest.Item], workers: int) -> list[list[pytest.Item]]:
    """Those that share something go to one process, since each that has one of them makes it: a browser, a wheel, a stack."""
    groups: dict[str, list[pytest.Item]] = {}
    for item in items:
        groups.setdefault(_shared_by(item) or item.nodeid, []).append(item)
    hands: list[list[pytest.Item]] = [[] for _ in range(workers)]
    for group in groups.values():
        min(hands, key=len).extend(group)
    return hands


def _shared_by(item: pytest.Item) -> str:
    folder = item.path.parent.name
    return folder if folder in _SHARING else _stack_of(item)


def _shortness(item: pytest.Item) -> tuple[bool, bool]:
    return item.get_closest_marker("slow") is None, item.path.parent.name not in _LONGEST


def _stack_of(item: pytest.Item) -> str:
    given = getattr(item, "callspec", None)
    return getattr(given.params.get("stack"), "name", "") if given else ""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """For `-n auto`: two test processes for each core, since tests wait for other processes about a third of the time."""
    if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS"):
        return None
    return (os.cpu_count() or 1) * 2


@pytest.fixture(autouse=True)
def _commands_leave_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flask's command marks its process permanently: services started from it later would think they are commands,
    and begin no worker."""
    monkeypatch.setenv("FLASK_RUN_FROM_CLI", "false")


@pytest.fixture(autouse=True)
def _nobody_acts() -> Iterator[None]:
    """Requests in the test's own thread say who acts, for the rest of it."""
    with acting_as(SERVICE):
        yield


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> SharedServers:
    """The run's servers."""
    return request.config.stash[SERVERS]


@pytest.fixture(scope="session")
def worker(request: pytest.FixtureRequest) -> str:
    """The name of this test process, unique within the run."""
    name: str = getattr(request.config, "workerinput", {}).get("workerid", "gw0")
    return name


@pytest.fixture(scope="session")
def migrate() -> Callable[[str], None]:
    """The service's own migrations; imported late, so that a test of the domain does not load the database's modules."""
    function: Callable[[str], None] = importlib.import_module(
        "stripe_bridge.adapters.database.migrations_runner"
    ).migrate
    return function


@pytest.fixture(scope="session")
def postgres_databases(
    servers: SharedServers, worker: str, migrate: Callable[[str], None]
) -> PostgresDatabases:
    return PostgresDatabases(servers.postgres_url(), run=servers.run, worker=worker, migrate=migrate)


@pytest.fixture(scope="session")
def sqlite_databases(
    tmp_path_factory: pytest.TempPathFactory, migrate: Callable[[str], None]
) -> SqliteDatabases:
    return SqliteDatabases(tmp_path_factory.mktemp("sqlite"), migrate=migrate)


@pytest.fixture
def postgres_url(postgres_databases: PostgresDatabases) -> Iterator[str]:
    """An empty, migrated PostgreSQL database of the test's own."""
    with postgres_databases.fresh() as url:
        yield url


@pytest.fixture
def sqlite_url(sqlite_databases: SqliteDatabases, tmp_path: Path) -> str:
    """An empty, migrated SQLite file of the test's own."""
    return sqlite_databases.fresh(tmp_path)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.servers)])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty, migrated database of the test's own; the test runs once on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def redis_url(servers: SharedServers, worker: str) -> str:
    """An empty Redis database of this process's own."""
    base = urlsplit(servers.redis_url())
    number = int(base.path.strip("/") or 0) + int(worker.removeprefix("gw"))
    url = base._replace(path=f"/{number}").geturl()
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A running PostgreSQL that the test may stop, kill and start; its databases are not migrated."""
    server = PostgresServer()
    server.start()
    yield server
    server.close()


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A running Redis that the test may stop, kill and start."""
    server = RedisServer()
    server.start()
    yield server
    server.close()


@pytest.fixture
def wire_log(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The file for this test's traffic with Stripe's API, as JSON lines; WIRE_LOG_DIR keeps it."""
    folder = Path(os.environ.get("WIRE_LOG_DIR") or tmp_path)
    name = re.sub(r"\W+", "-", request.node.nodeid).strip("-")
    return folder / f"{name[-180:]}.jsonl"
