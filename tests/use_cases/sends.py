"""A send, step by step, and what goes wrong with one."""

import pytest

from stripe_bridge.domain.errors.outcomes import InvoiceNotSent
from tests.world import World

STEPS = ("create_customer", "create_draft", "add_lines", "finalize", "send")
LOOKS = {
    "create_customer": "find_customer",
    "create_draft": "find_invoice",
    "add_lines": "invoice",
    "finalize": "invoice",
    "send": "was_sent",
}
"""How Stripe is checked for the effect of each."""


def not_sent(world: World, order_id: int = 501) -> InvoiceNotSent:
    with pytest.raises(InvoiceNotSent) as caught:
        world.send(order_id)
    return caught.value


def a_day_goes_by(world: World) -> None:
    for _ in range(24):
        world.clock.advance(seconds=3600)
        world.work_off()
