"""Running services for tests of the whole service, each shared by one module."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from tests.journeys.people import Erp, browser
from tests.journeys.stack import Combination, Stack
from tests.servers.databases import SqliteDatabases

RunStack = Callable[..., AbstractContextManager[Stack]]


@pytest.fixture(scope="module")
def run_stack(tmp_path_factory: pytest.TempPathFactory, sqlite_databases: SqliteDatabases) -> RunStack:
    """Runs a service, on a fresh SQLite file unless told otherwise; other keyword arguments are those of Combination."""

    @contextmanager
    def running(
        *, database_url: str | None = None, redis_url: str | None = None, **how: Any
    ) -> Iterator[Stack]:
        folder = tmp_path_factory.mktemp("stack")
        url = database_url or sqlite_databases.fresh(folder)
        combination = Combination(database=url.partition(":")[0], **how)
        with Stack(combination, database_url=url, redis_url=redis_url, folder=folder) as stack:
            yield stack

    return running


@contextmanager
def erp_of(stack: Stack) -> Iterator[Erp]:
    """An ERP with a tenant of its own."""
    with browser() as http:
        yield Erp(stack, http)
