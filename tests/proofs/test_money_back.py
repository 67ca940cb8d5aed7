"""In any interleaving of refunds and disputes, no more is given back than was collected, and no refund is made twice.

MONEY_BACK_SEED plays other examples, MONEY_BACK_EXAMPLES more of them.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.adapters.stripe_gateway.client import StripeConfig
from stripe_bridge.adapters.stripe_gateway.invoices import StripeInvoiceGateway
from stripe_bridge.adapters.stripe_gateway.refunds import StripeRefundGateway
from tests.proofs.emulated_world import EmulatedWorld, emulated
from tests.proofs.money_back import TOTAL, Interruption, MoneyBack
from tests.servers.databases import PostgresDatabases, SqliteDatabases

SEED = int(os.environ.get("MONEY_BACK_SEED") or 20_261_123)
EXAMPLES = int(os.environ.get("MONEY_BACK_EXAMPLES") or 30)
STEPS = 30

OpenWorld = Callable[[], AbstractContextManager[EmulatedWorld]]


@contextmanager
def a_world(database_url: str) -> Iterator[EmulatedWorld]:
    """A world in which nobody waits in real time: if Stripe is busy or unreachable, the call fails at once."""
    store = SqlStore(create_engine(database_url, pool_size=5))
    try:
        with emulated() as (emulator, clock):
            world = EmulatedWorld(emulator, clock, store)
            access = StripeConfig(
                secret_key=emulator.settings.secret_key,
                client_id=emulator.settings.client_id,
                api_base=emulator.url,
                connect_base=emulator.url,
                max_network_retries=0,
                max_429_wait=0.0,
            )
            world.adapters = replace(
                world.adapters,
                invoice_gateway=StripeInvoiceGateway(access),
                refund_gateway=StripeRefundGateway(access),
            )
            world.restart()
            yield world
    finally:
        store.close()


@pytest.fixture
def on_sqlite(sqlite_databases: SqliteDatabases, tmp_path: Path) -> OpenWorld:
    folders = (tmp_path / str(number) for number in count(1))

    def opened() -> AbstractContextManager[EmulatedWorld]:
        folder = next(folders)
        folder.mkdir()
        return a_world(sqlite_databases.fresh(folder))

    return opened


@pytest.fixture
def on_postgres(postgres_databases: PostgresDatabases) -> OpenWorld:
    @contextmanager
    def opened() -> Iterator[EmulatedWorld]:
        with postgres_databases.fresh() as url, a_world(url) as world:
            yield world

    return opened


def play(open_world: OpenWorld, examples: int) -> None:
    @seed(SEED)
    class Machine(MoneyBack):
        def __init__(self) -> None:
            super().__init__(open_world)

    many = settings(max_examples=examples, stateful_step_count=STEPS, suppress_health_check=list(HealthCheck))
    try:
        run_state_machine_as_test(Machine, settings=many)
    except BaseException as error:
        error.add_note(f"MONEY_BACK_SEED={SEED}")
        raise


@pytest.mark.parametrize("crossing", range(3, 9))
def test_what_a_bank_does_before_stripes_answer_is_noted_is_not_undone_by_the_answer(on_sqlite, crossing):
    """In the answer the refund is pending, in the event it waits for the customer: neither outranks the other."""
    money = MoneyBack(on_sqlite)
    money.the_customer_pays(TOTAL)
    money.all_comes_to_rest(Random(SEED))
    during = Interruption(crossing, "customer and events")
    money.the_erp_refunds_and_is_interrupted(500, {"status": "pending"}, during, Random(SEED))
    money.teardown()


def test_whatever_happens_to_the_money_of_an_invoice_the_ledger_ends_as_stripes_objects_are(on_sqlite):
    play(on_sqlite, EXAMPLES)


@pytest.mark.servers
def test_it_does_on_postgresql_too(on_postgres):
    play(on_postgres, max(1, EXAMPLES // 4))
