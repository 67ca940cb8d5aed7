"""A database that cannot be used: operators learn why, and what to do; callers of the API only that it is unavailable."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from flask.testing import FlaskClient

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.adapters.database.migrations_runner import migrating
from stripe_bridge.adapters.metrics import PrometheusMetrics
from stripe_bridge.adapters.web import WebOptions, create_app
from stripe_bridge_playground.settings import reserved_port
from tests.adapters.cli.terminal import Terminal
from tests.world import World

COMMANDS = [
    ("events", "list"),
    ("integrations", "list", "--tenant", "acme"),
    ("intents", "list"),
    ("invoices", "show", "1", "--tenant", "acme"),
    ("keys", "rotate"),
    ("receivers", "list"),
    ("reconcile",),
    ("tokens", "list"),
]


@dataclass(frozen=True)
class Unusable:
    store: SqlStore
    url: str
    remedy: str


def empty(url: str) -> str:
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).unlink()
    else:
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
        engine.dispose()
    return url


def of_an_old_release(url: str) -> str:
    with migrating(empty(url)) as config:
        command.upgrade(config, "0001")
    return url


def elsewhere(_url: str) -> str:
    return f"postgresql://bridge@127.0.0.1:{reserved_port()}/bridge"


def missing(url: str) -> str:
    return f"{url.rpartition('/')[0]}/missing"


def of_a_stranger(url: str) -> str:
    return f"postgresql://stranger@{url.partition('@')[2]}"


def without_a_folder(url: str) -> str:
    return url.replace("sqlite:///", "sqlite:////no/such/folder")


def case(title: str, fixture: str, spoil: Callable[[str], str], remedy: str) -> Any:
    marks = [pytest.mark.servers] if fixture == "postgres_url" else []
    return pytest.param((fixture, spoil, remedy), id=title, marks=marks)


UPGRADE = "stripe-bridge db upgrade"
CASES = [
    case("no schema on SQLite", "sqlite_url", empty, UPGRADE),
    case("no schema on PostgreSQL", "postgres_url", empty, UPGRADE),
    case("old schema on SQLite", "sqlite_url", of_an_old_release, UPGRADE),
    case("old schema on PostgreSQL", "postgres_url", of_an_old_release, UPGRADE),
    case("no server", "sqlite_url", elsewhere, "server cannot be reached"),
    case("no database", "postgres_url", missing, "does not exist. Create it"),
    case("no such user", "postgres_url", of_a_stranger, "Check the user"),
    case("no folder", "sqlite_url", without_a_folder, "Check the path"),
]


@pytest.fixture(params=CASES)
def unusable(request: pytest.FixtureRequest) -> Iterator[Unusable]:
    fixture, spoil, remedy = request.param
    url = spoil(request.getfixturevalue(fixture))
    store = SqlStore(create_engine(url))
    yield Unusable(store, url, remedy)
    store.close()


def over_http(store: SqlStore) -> FlaskClient:
    world = World()
    world.adapters = replace(world.adapters, store=store)
    world.restart()
    options = WebOptions(public_url="https://bridge.test")
    return create_app(world.bridge, options=options, metrics=PrometheusMetrics()).test_client()


def test_readiness_says_why_and_what_to_do(unusable: Unusable):
    answer = over_http(unusable.store).get("/readyz")

    assert answer.status_code == 503
    assert unusable.remedy in answer.get_json()["checks"]["database"]


def test_readiness_names_no_host_and_no_user(unusable: Unusable):
    shown = over_http(unusable.store).get("/readyz").get_data(as_text=True)

    assert "127.0.0.1" not in shown
    assert "stranger" not in shown
    assert "/no/such" not in shown


def test_the_doctor_says_why_and_what_to_do(unusable: Unusable):
    result = Terminal(store=unusable.store).run("doctor")

    assert result.exit_code == 1
    assert unusable.remedy in result.stdout


def test_callers_of_the_api_only_learn_that_it_is_unavailable(unusable: Unusable):
    answer = over_http(unusable.store).get(
        "/api/stripe/integrations", headers={"Authorization": "Bearer sbt_1"}
    )

    # In an old schema a token may be looked up even so, and this one is unknown.
    assert answer.status_code in (401, 503)
    assert answer.get_json()["message"] in (
        "Unauthenticated.",
        "The service is temporarily unavailable.",
    )
    assert unusable.remedy not in answer.get_data(as_text=True)


def test_every_command_says_why_and_what_to_do(unusable: Unusable):
    terminal = Terminal(store=unusable.store)
    results = [terminal.run(*arguments) for arguments in COMMANDS]
    failed = [result for result in results if result.exit_code]

    # With an old schema some commands still work; without any, none does.
    assert failed
    assert all(unusable.remedy in result.stderr for result in failed if "not found" not in result.stderr)


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_without_a_schema_no_command_works_and_each_says_what_to_do(
    database_url: str, arguments: tuple[str, ...]
):
    store = SqlStore(create_engine(empty(database_url)))

    shown = Terminal(store=store).refused(*arguments)

    assert shown.count("stripe-bridge db upgrade") == 1
    store.close()
