from datetime import timedelta

import pytest

from stripe_bridge.domain.errors.base import SalesOrderNotFound
from stripe_bridge.domain.errors.conflicts import OrderNotLocked, OrderOutdated
from tests.builders import AMOUNT, TENANT, a_customer, a_sales_order
from tests.world import World

ORDER = a_sales_order().id
# As far ahead as a copy may be.
AHEAD = timedelta(hours=23)
EDITED = a_customer(name="Jane Roe")


def reset(world: World, tenant: str = TENANT) -> object:
    return world.bridge.sales_orders.reset_updated_at(tenant, ORDER)


def lock(world: World) -> None:
    """The ERP sends a copy with a time in the future by mistake; it then refuses what the ERP really has."""
    world.put_order(source_updated_at=world.clock.now() + AHEAD)
    with pytest.raises(OrderOutdated):
        world.put_order(source_updated_at=world.clock.now(), customer=EDITED)


def test_after_a_reset_the_erp_can_change_an_order_again(world: World):
    lock(world)

    reset(world)

    world.put_order(source_updated_at=world.clock.now() - timedelta(days=3), customer=EDITED)
    assert world.order().order.customer == EDITED


def test_a_reset_changes_nothing_else_of_an_order(world: World):
    lock(world)
    before = world.order()

    reset(world)

    after = world.order()
    assert after.order.customer == before.order.customer
    assert (after.order.lines, after.order.total, after.outstanding) == (
        before.order.lines,
        before.order.total,
        AMOUNT,
    )


def test_the_first_copy_after_a_reset_is_the_one_that_later_ones_are_compared_with(world: World):
    lock(world)
    reset(world)
    world.put_order(source_updated_at=world.clock.now(), customer=EDITED)

    with pytest.raises(OrderOutdated):
        world.put_order(source_updated_at=world.clock.now() - timedelta(seconds=1))


def test_an_order_whose_time_has_come_is_not_reset(world: World):
    world.put_order(source_updated_at=world.clock.now())

    with pytest.raises(OrderNotLocked):
        reset(world)


def test_another_tenants_order_is_not_found(world: World):
    lock(world)

    with pytest.raises(SalesOrderNotFound):
        reset(world, tenant="other")
