from datetime import timedelta

import pytest

from stripe_bridge.domain.errors.base import SalesOrderNotFound
from stripe_bridge.domain.errors.conflicts import OrderOutdated
from stripe_bridge.domain.errors.rules import CurrencyLocked
from stripe_bridge.domain.errors.values import (
    AmountNotChargeable,
    CurrencyUnknown,
    LinesDoNotAddUp,
    UpdatedInFuture,
)
from tests.builders import AMOUNT, NOW, TENANT, a_customer, an_order_line
from tests.world import World


def test_an_order_is_created_once_and_then_replaced_by_newer_copies(world: World):
    assert world.put_order().created
    later = world.put_order(customer=a_customer(name="Jane Roe"), source_updated_at=NOW)

    assert not later.created
    assert world.order().order.customer.name == "Jane Roe"


def test_the_very_same_copy_again_changes_nothing(world: World):
    first = world.put_order()
    world.clock.advance(seconds=5)

    again = world.put_order()

    assert not again.created
    assert again.view.order == first.view.order


@pytest.mark.parametrize("age", [timedelta(), timedelta(seconds=1)])
def test_an_older_copy_or_another_of_the_same_age_is_refused(world: World, age: timedelta):
    world.put_order(source_updated_at=NOW)

    with pytest.raises(OrderOutdated):
        world.put_order(source_updated_at=NOW - age, customer=a_customer(name="Other"))
    assert world.order().order.customer.name == "Jane Doe"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"currency": "XXX"}, CurrencyUnknown),
        ({"lines": (an_order_line(AMOUNT - 1),)}, LinesDoNotAddUp),
        ({"currency": "ISK", "total": 12_050}, AmountNotChargeable),
        ({"currency": "KWD", "total": 12_005}, AmountNotChargeable),
    ],
)
def test_what_no_state_could_make_right_is_refused_and_not_stored(world: World, changes, error):
    with pytest.raises(error):
        world.put_order(**changes)
    with pytest.raises(SalesOrderNotFound):
        world.order()


def test_a_copy_from_the_future_is_refused_since_it_would_lock_the_order(world: World):
    """A clock may be off, and by a day at most: every copy until then would be older."""
    now = world.clock.now()
    assert world.put_order(source_updated_at=now + timedelta(days=1)).created
    with pytest.raises(UpdatedInFuture):
        world.put_order(source_updated_at=now + timedelta(days=1, seconds=1))
    assert world.order().order.source_updated_at == now + timedelta(days=1)


def test_a_currency_is_taken_in_either_case(world: World):
    assert world.put_order(currency="eur").view.order.currency == "EUR"


def test_the_currency_is_locked_while_an_invoice_of_the_order_is_not_void(world: World):
    invoice = world.sent()
    with pytest.raises(CurrencyLocked):
        world.put_order(currency="USD", source_updated_at=NOW)

    world.bridge.invoices.void(TENANT, invoice.id)

    assert world.put_order(currency="USD", source_updated_at=NOW).view.order.currency == "USD"


def test_a_change_under_an_open_invoice_is_accepted_and_shows_that_invoice(world: World):
    invoice = world.sent()

    view = world.put_order(total=9_000, source_updated_at=NOW).view

    assert view.open_invoice == invoice
    assert view.outstanding == 9_000
