"""What every store promises about its units of work."""

import threading

import pytest

from stripe_bridge.domain.errors.base import SalesOrderNotFound
from stripe_bridge.ports.storage.unit_of_work import Store
from tests.builders import TENANT, a_sales_order
from tests.contracts.stored import stored_integration, stored_order
from tests.waiting import wait_until


def names(store: Store, *ids: int) -> list[str]:
    with store.reading() as work:
        return list(work.integrations.names_of(ids).values())


def test_what_is_committed_is_there(store: Store):
    order = stored_order(store)
    with store.reading() as work:
        assert work.sales_orders.get(TENANT, order.id) == order


def test_what_is_not_committed_never_was(store: Store):
    with store.writing() as work:
        work.sales_orders.add(a_sales_order())
    with store.reading() as work, pytest.raises(SalesOrderNotFound):
        work.sales_orders.get(TENANT, a_sales_order().id)


def test_an_error_inside_rolls_everything_back(store: Store):
    def put_and_fail() -> None:
        with store.writing() as work:
            work.sales_orders.add(a_sales_order())
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        put_and_fail()
    with store.reading() as work:
        assert work.sales_orders.find(TENANT, a_sales_order().id) is None


def test_a_unit_of_work_sees_its_own_changes(store: Store):
    with store.writing() as work:
        work.sales_orders.add(a_sales_order())
        assert work.sales_orders.get(TENANT, a_sales_order().id) == a_sales_order()


def test_a_commit_ends_it(store: Store):
    with store.writing() as work:
        work.commit()
        with pytest.raises(Exception):  # noqa: B017  # a mistake in the program: which error tells of it is open
            work.sales_orders.add(a_sales_order())
    with store.reading() as work:
        assert work.sales_orders.find(TENANT, a_sales_order().id) is None


def test_reading_cannot_write(store: Store):
    with pytest.raises(Exception), store.reading() as work:  # noqa: B017, PT012  # as above
        work.sales_orders.add(a_sales_order())
        work.commit()
    with store.reading() as work:
        assert work.sales_orders.find(TENANT, a_sales_order().id) is None


def test_after_reading_one_can_write(store: Store):
    with store.reading() as work:
        assert work.tokens.all() == []
    stored_order(store)


def test_a_reader_sees_one_state_whatever_is_committed_meanwhile(store: Store):
    first = stored_integration(store)
    with store.reading() as work:
        assert len(work.integrations.names_of([first.id, first.id + 1])) == 1
        second = stored_integration(store, account_id="acct_2")
        assert list(work.integrations.names_of([first.id, second.id])) == [first.id]
    assert len(names(store, first.id, second.id)) == 2


def test_reading_does_not_wait_for_a_writer(store: Store):
    with store.writing() as work:
        work.sales_orders.add(a_sales_order())
        found = []
        reader = threading.Thread(target=lambda: found.append(names(store, 1)))
        reader.start()
        wait_until(lambda: found == [[]])
        reader.join()


def test_ids_are_never_given_twice(store: Store):
    with store.writing() as work:
        rolled_back = work.integrations.names_of([1])
    assert rolled_back == {}
    ids = [stored_integration(store, account_id=f"acct_{number}").id for number in range(3)]
    assert ids == sorted(set(ids))


def test_a_good_store_passes_its_check(store: Store):
    store.check()
