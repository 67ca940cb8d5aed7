"""A stack for each combination, shared by its tests, and the people who use it."""

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from tests.journeys.people import Erp, browser
from tests.journeys.stack import Combination, Stack
from tests.journeys.traces import Traces
from tests.servers.databases import PostgresDatabases, SqliteDatabases
from tests.servers.shared import SharedServers

# Not the Redis databases of other tests, which empty theirs at any time: each process has one of both.
_REDIS_DATABASES_FROM = 32
_LOGS = pytest.StashKey[tuple[Stack, dict[str, int]]]()


@pytest.fixture(scope="package")
def stack(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    servers: SharedServers,
    worker: str,
    sqlite_databases: SqliteDatabases,
) -> Iterator[Stack]:
    """The stack that `combinations.on` asks for. It stops when the next test needs none, or another: its workers would go
    on looking for work until the last test."""
    combination: Combination = request.param
    folder = tmp_path_factory.mktemp(combination.name)
    with ExitStack() as on_shutdown:
        if combination.database == "postgres":
            databases: PostgresDatabases = request.getfixturevalue("postgres_databases")
            database_url = on_shutdown.enter_context(databases.fresh())
        else:
            database_url = sqlite_databases.fresh(folder)
        redis_url = _empty_redis(servers, worker) if combination.worker else None
        started = on_shutdown.enter_context(
            Stack(combination, database_url=database_url, redis_url=redis_url, folder=folder)
        )
        yield started
        # Whatever all these people did, and while workers go on with it.
        faults = {report.tenant_id: report.faults for report in started.operator.changes.verify()}
        assert not any(faults.values()), faults


@pytest.fixture(autouse=True)
def record(request: pytest.FixtureRequest, stack: Stack, wire_log: Path) -> Iterator[None]:
    """Put the test's traffic with Stripe into its wire log, and the service's logs into its report."""
    request.node.stash[_LOGS] = stack, stack.log_lengths()
    yield
    lines = stack.emulator.emulator.wire_log.lines()
    stack.emulator.emulator.wire_log.clear()
    wire_log.write_text("".join(f"{line}\n" for line in lines))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and _LOGS in item.stash:
        stack, lengths = item.stash[_LOGS]
        report.sections.append(("the service's logs", stack.logs(lengths)[-20_000:]))
    return report


@pytest.fixture
def new_erp(stack: Stack) -> Iterator[Callable[[], Erp]]:
    """Makes ERPs, each with a new tenant."""
    with browser() as http:
        yield lambda: Erp(stack, http)


@pytest.fixture
def erp(new_erp: Callable[[], Erp]) -> Erp:
    return new_erp()


@pytest.fixture(scope="package")
def traces(stack: Stack) -> Iterator[Traces]:
    """One for each stack: SQLAlchemy writes the statements that read every table once, and not for every test."""
    found = Traces(stack)
    yield found
    found.close()


def _empty_redis(servers: SharedServers, worker: str) -> str:
    base = urlsplit(servers.redis_url())
    number = int(base.path.strip("/") or 0) + _REDIS_DATABASES_FROM + int(worker.removeprefix("gw"))
    url = base._replace(path=f"/{number}").geturl()
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url
