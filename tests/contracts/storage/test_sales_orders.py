"""What every store promises about sales orders and billed customers."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from stripe_bridge.domain.errors.base import NotFound, SalesOrderNotFound
from stripe_bridge.domain.errors.conflicts import StaleWrite
from stripe_bridge.ports.storage.unit_of_work import Store
from tests.builders import (
    NOW,
    TENANT,
    a_customer,
    a_customer_key,
    a_sales_order,
    an_order_line,
)
from tests.contracts.stored import at_once, stored_order


@pytest.mark.parametrize(
    "order",
    [
        a_sales_order(),
        a_sales_order(customer=a_customer(email=None, address=None), number="№ 1 · “quoted”"),
        a_sales_order(
            total=0, lines=(an_order_line(5), an_order_line(-5, quantity=Decimal("0.333333333333333333")))
        ),
        a_sales_order(id=2**62, total=2**62, lines=()),
    ],
)
def test_an_order_comes_back_as_it_was_stored(store: Store, order):
    with store.writing() as work:
        work.sales_orders.add(order)
        work.commit()
    with store.writing() as work:
        assert work.sales_orders.get(TENANT, order.id, lock=True) == order
        assert str(work.sales_orders.get(TENANT, order.id).lines) == str(order.lines)


def test_tenants_have_their_own_orders_under_one_id(store: Store):
    ours, theirs = stored_order(store), stored_order(store, tenant_id="other", number="theirs")
    with store.reading() as work:
        assert work.sales_orders.find(TENANT, ours.id) == ours
        assert work.sales_orders.find("other", ours.id) == theirs
        assert work.sales_orders.find("third", ours.id) is None
        with pytest.raises(SalesOrderNotFound):
            work.sales_orders.get("third", ours.id)


def test_a_newer_copy_replaces_an_order(store: Store):
    order = stored_order(store)
    newer = replace(order, number="SO-501b", source_updated_at=NOW, updated_at=NOW + timedelta(hours=1))
    with store.writing() as work:
        work.sales_orders.get(TENANT, order.id, lock=True)
        work.sales_orders.save(newer)
        assert work.sales_orders.get(TENANT, order.id) == newer


def test_an_earlier_copy_never_replaces_a_newer_one(store: Store):
    order = stored_order(store)
    for copy in (
        replace(order, source_updated_at=order.source_updated_at - timedelta(microseconds=1)),
        replace(order, number="as new, but other"),
        replace(order, id=order.id + 1),
        replace(order, tenant_id="other"),
    ):
        with store.writing() as work, pytest.raises(StaleWrite):
            work.sales_orders.save(copy)
    with store.reading() as work:
        assert work.sales_orders.get(TENANT, order.id) == order


def test_only_the_times_of_an_order_are_reset_and_only_in_its_tenant(store: Store):
    ours, theirs = stored_order(store), stored_order(store, tenant_id="other")
    earlier = ours.source_updated_at - timedelta(days=1)

    with store.writing() as work:
        work.sales_orders.get(TENANT, ours.id, lock=True)
        work.sales_orders.reset_updated_at(
            replace(ours, source_updated_at=earlier, updated_at=NOW + timedelta(hours=1), number="other")
        )
        work.commit()

    with store.reading() as work:
        assert work.sales_orders.get(TENANT, ours.id) == replace(
            ours, source_updated_at=earlier, updated_at=NOW + timedelta(hours=1)
        )
        assert work.sales_orders.get("other", theirs.id) == theirs


def test_of_simultaneous_first_copies_one_is_added_and_the_others_find_it(store: Store):
    def add(number: int) -> tuple[bool, str]:
        order = a_sales_order(number=f"copy {number}")
        with store.writing() as work:
            added = work.sales_orders.add(order)
            found = work.sales_orders.get(TENANT, order.id, lock=True)
            work.commit()
        return added, found.number

    outcomes = at_once(8, add)
    with store.reading() as work:
        stays = work.sales_orders.get(TENANT, a_sales_order().id).number
    assert sorted(outcomes, key=repr) == [*7 * [(False, stays)], (True, stays)]


def test_a_customer_is_made_once_per_key(store: Store):
    with store.writing() as work:
        customer = work.customers.get_or_add(a_customer_key())
        assert customer.stripe_customer_id is None
        assert work.customers.get_or_add(a_customer_key()) == customer
        others = [
            work.customers.get_or_add(a_customer_key(**difference))
            for difference in (
                {"tenant_id": "other"},
                {"account_id": "acct_2"},
                {"erp_customer_id": 78},
                {"email": "john@customer.example"},
            )
        ]
        assert len({customer.id, *(other.id for other in others)}) == 5
        assert work.customers.get(customer.id, lock=True) == customer
        with pytest.raises(NotFound):
            work.customers.get(customer.id + 100)


def test_simultaneous_callers_get_the_same_customer(store: Store):
    def get_or_add(_number: int) -> int:
        with store.writing() as work:
            customer = work.customers.get_or_add(a_customer_key())
            work.commit()
        return customer.id

    ids = at_once(12, get_or_add)
    assert len(set(ids)) == 1
    assert isinstance(ids[0], int)


def test_a_customer_is_known_by_its_stripe_id_within_its_account(store: Store):
    with store.writing() as work:
        customer = work.customers.get_or_add(a_customer_key())
        work.customers.save(replace(customer, stripe_customer_id="cus_1"))
        assert work.customers.get(customer.id).stripe_customer_id == "cus_1"
        assert work.customers.is_known("acct_1", "cus_1")
        assert not work.customers.is_known("acct_2", "cus_1")
        work.customers.save(customer)
        assert not work.customers.is_known("acct_1", "cus_1")
