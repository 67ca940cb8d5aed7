"""Intents that operators, or a reconnect, have settled at once."""

import pytest

from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.ports.stripe.errors import (
    OutcomeUnknown,
)
from tests.use_cases.sends import a_day_goes_by, not_sent
from tests.world import World


@pytest.mark.parametrize("through", ["the same integration", "another one"])
def test_a_reconnect_makes_the_calls_that_waited_for_access_due_at_once(world: World, through: str):
    former = world.integration_id
    world.put_order()
    world.fail("finalize", OutcomeUnknown("500"), after_effect=True)
    world.fail("invoice", OutcomeUnknown("cut"), times=30)
    not_sent(world)
    world.stripe.revoke(world.account_id)
    world.mend()
    a_day_goes_by(world)
    world.bridge.reconcile_integration(world.integration_id)
    world.nudges.waiting.clear()

    world.connect(world.account_id, into=former if through == "the same integration" else None)

    assert "settle_intents" in world.nudges.waiting
    world.work_off()
    assert not world.unsettled(former)
    assert world.invoice(1).status is InvoiceStatus.OPEN
