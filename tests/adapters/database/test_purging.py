"""Whoever purges a log and whoever writes in it wait for each other, and never both at once."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.domain.changes.purging import purged
from stripe_bridge.domain.origin import SERVICE
from stripe_bridge.use_cases.changes.verify import VerifyChanges
from tests.builders import TENANT
from tests.contracts.stored import stored_invoice


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.servers)])
def store(request: pytest.FixtureRequest) -> Iterator[SqlStore]:
    store = SqlStore(create_engine(request.getfixturevalue(f"{request.param}_url"), pool_size=10))
    yield store
    store.close()


def test_logs_are_written_and_purged_from_all_sides_at_once(store: SqlStore):
    invoices = [stored_invoice(store, sales_order_id=501 + number) for number in range(4)]
    is_over = threading.Event()

    def write(number: int) -> None:
        for at in range(15):
            with store.writing() as work:
                invoice = work.invoices.lock(invoices[number].id)
                assert invoice is not None
                work.invoices.save(replace(invoice, number=f"A-{at}"))
                work.commit()

    def purge_orders() -> None:
        while not is_over.is_set():
            with store.writing() as work:
                if purge := work.purging.purge_orders(TENANT, [501, 503]):
                    work.acts.add(purged(TENANT, purge, SERVICE))
                    work.commit()

    def purge_old() -> None:
        while not is_over.is_set():
            with store.writing() as work:
                later = datetime.now(UTC) + timedelta(days=1)
                if purge := work.purging.purge_before(TENANT, later, 5):
                    work.acts.add(purged(TENANT, purge, SERVICE))
                    work.commit()

    with ThreadPoolExecutor(6) as pool:
        purging = [pool.submit(purge_orders), pool.submit(purge_old)]
        try:
            list(pool.map(write, range(4)))
        finally:
            is_over.set()
        for each in purging:
            each.result()
    assert [report.faults for report in VerifyChanges(store)(TENANT)] == [[]]
