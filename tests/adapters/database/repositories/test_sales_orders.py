"""Two first copies of one sales order at the same moment. A row that does not exist yet cannot be locked."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.domain.errors.conflicts import OrderOutdated
from stripe_bridge.domain.sales_order import SalesOrder
from stripe_bridge.use_cases.sales_orders.put import PutSalesOrder, PutSalesOrderCommand, StoredSalesOrder
from tests.builders import NOW, a_sales_order
from tests.fakes.system import FrozenClock
from tests.waiting import wait_until

FIRST = a_sales_order(source_updated_at=NOW, created_at=NOW - timedelta(seconds=1))


@contextmanager
def put_beside(url: str, first: SalesOrder, second: SalesOrder) -> Iterator[Future[StoredSalesOrder]]:
    """Store the second copy with the use case, which saw no order before the first copy was committed."""
    engine = create_engine(url)
    store = SqlStore(engine)
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

    def is_waiting() -> bool:
        with engine.connect() as connection:
            return connection.execute(text(waiting)).scalar() == 1

    with ThreadPoolExecutor(1) as thread:
        with store.writing() as work:
            assert work.sales_orders.add(first)
            upsert = thread.submit(PutSalesOrder(store, FrozenClock()), command(second))
            wait_until(is_waiting)
            work.commit()
        yield upsert
    store.close()


def command(order: SalesOrder) -> PutSalesOrderCommand:
    return PutSalesOrderCommand(
        tenant_id=order.tenant_id,
        sales_order_id=order.id,
        number=order.number,
        currency=order.currency,
        total=order.total,
        paid_elsewhere=order.paid_elsewhere,
        customer=order.customer,
        lines=order.lines,
        updated_at=order.source_updated_at,
    )


def test_the_very_same_copy_is_stored_already_and_no_conflict(postgres_url: str):
    with put_beside(postgres_url, FIRST, FIRST) as upsert:
        stored = upsert.result(60)
    assert (stored.created, stored.view.order) == (False, FIRST)


def test_a_newer_copy_replaces_the_first_and_does_not_count_as_new(postgres_url: str):
    newer = replace(FIRST, number="newer", source_updated_at=NOW + timedelta(seconds=1))
    with put_beside(postgres_url, FIRST, newer) as upsert:
        stored = upsert.result(60)
    order = stored.view.order
    assert (stored.created, order.number, order.created_at) == (False, "newer", FIRST.created_at)


def test_an_older_copy_is_outdated(postgres_url: str):
    older = replace(FIRST, source_updated_at=NOW - timedelta(seconds=1))
    with put_beside(postgres_url, FIRST, older) as upsert, pytest.raises(OrderOutdated):
        upsert.result(60)
