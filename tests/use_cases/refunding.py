"""A refund that is at Stripe twice."""

from stripe_bridge.domain.refund import Refund
from stripe_bridge.domain.stripe_objects import METADATA_REFERENCE, StripeRefund
from stripe_bridge.ports.stripe.refunds import RefundDraft
from tests.world import AnyWorld


def refund_again(world: AnyWorld, ours: Refund) -> StripeRefund:
    """Make a second refund with the reference of one of ours, as an earlier release could. Returns it."""
    again = RefundDraft(
        payment_intent_id=ours.payment_intent_id,
        charge_id=None,
        amount=ours.amount,
        reason=None,
        metadata={METADATA_REFERENCE: str(ours.reference)},
    )
    return world.adapters.refund_gateway.create_refund(ours.account_id, again, "another key")
