"""What is in flight in an account is listed, whether or not we have access to it."""

from stripe_bridge.domain.refund import RefundState
from stripe_bridge.ports.stripe.errors import (
    OutcomeUnknown,
)
from tests.builders import TENANT
from tests.world import World


def disconnect(world: World):
    return world.bridge.integrations.disconnect(TENANT, world.integration_id)


def test_a_refund_that_stripe_has_not_shown_yet_is_in_flight(world: World):
    world.paid()
    world.fail("create_refund", OutcomeUnknown("cut"))
    world.fail("refunds_of", OutcomeUnknown("cut"), times=50)
    world.refund(world.invoice_id, 5_000)

    (refund,) = world.bridge.integrations.list_in_flight(TENANT, world.integration_id).refunds

    assert (refund.state, refund.amount) == (RefundState.RESERVED, 5_000)


def test_what_another_integration_has_in_flight_in_the_same_account_is_its_own(world: World):
    world.sent()
    disconnect(world)
    other = world.connect(world.account_id, tenant="other")

    assert world.bridge.integrations.list_in_flight("other", other).counts == {}


def test_nothing_is_in_flight_where_there_never_was_an_account(world: World):
    assert world.bridge.integrations.list_in_flight(TENANT, world.add_integration()).counts == {}


def test_of_many_only_the_first_of_each_kind_are_listed_if_that_is_asked_for(world: World):
    for order in (501, 502, 503):
        world.sent(order)
    in_flight = world.bridge.integrations.list_in_flight

    few = in_flight(TENANT, world.integration_id, at_most=2)

    assert (len(few.invoices), few.is_complete) == (2, False)
    assert in_flight(TENANT, world.integration_id, at_most=3).is_complete
    assert in_flight(TENANT, world.integration_id).counts == {"invoices": 3}
