"""What events of refunds and disputes change, and what they do not."""

from stripe_bridge.domain.refund import RefundState
from stripe_bridge.use_cases.webhook_events.handlers.handler import NeedsRefetch
from tests.builders import TENANT
from tests.use_cases.webhook_events.handlers.events import fetched_earlier, of_type
from tests.world import World


def test_a_refund_in_stripes_dashboard_enters_the_ledger_by_any_of_its_events(world: World):
    for order_id, kind in ((501, "refund.updated"), (502, "charge.refunded")):
        invoice = world.paid(order_id)
        world.stripe.refund(world.account_id, invoice.stripe_charge_id, 1_500, reason="duplicate")
        world.deliver(of_type(world, kind))

        (refund,) = world.bridge.refunds.list(TENANT, invoice.id)
        assert (refund.amount, refund.state, refund.user_id) == (1_500, RefundState.SUCCEEDED, None)
        assert world.invoice(invoice.id).amount_refunded == 1_500


def test_what_is_known_of_other_refunds_does_not_hide_one_of_the_same_amount(world: World):
    invoice = world.sent()
    payments = [world.stripe.pay(world.account_id, invoice.stripe_invoice_id, 2_000) for _ in range(2)]
    world.deliver()
    for payment in payments:
        world.stripe.refund(world.account_id, payment.charge_id, 500)
        world.deliver(of_type(world, "charge.refunded"))
    assert world.invoice(invoice.id).amount_refunded == 1_000

    failed = next(iter(world.refunds_at_stripe()))
    world.stripe.change_refund(world.account_id, failed.id, "failed")
    world.deliver(of_type(world, "refund.failed"))
    assert world.invoice(invoice.id).amount_refunded == 500
    world.stripe.refund(world.account_id, failed.charge_id, 500)
    world.deliver([each | {"id": f"{each['id']}_again"} for each in of_type(world, "charge.refunded")])
    assert world.invoice(invoice.id).amount_refunded == 1_000


def test_a_refund_is_counted_once_however_many_events_are_about_it(world: World):
    invoice = world.paid()
    world.stripe.refund(world.account_id, invoice.stripe_charge_id, 1_500)
    events = of_type(world, "refund") + of_type(world, "charge.refunded")
    for number, event in enumerate(events * 3):
        world.deliver([event | {"id": f"evt_again_{number}"}])

    assert world.invoice(invoice.id).amount_refunded == 1_500


def test_a_refund_as_it_was_before_others_entered_it_is_not_taken_for_its_present_state(world: World):
    invoice = world.paid()
    world.stripe.new_refund_status = "pending"
    refund = world.stripe.refund(world.account_id, invoice.stripe_charge_id, 1_500)
    (created,) = of_type(world, "refund")
    apply = fetched_earlier(world, created)
    world.stripe.change_refund(world.account_id, refund.id, "requires_action")
    world.deliver(of_type(world, "refund"))

    assert isinstance(apply(), NeedsRefetch)
    (entered,) = world.bridge.refunds.list(TENANT, invoice.id)
    assert entered.state is RefundState.REQUIRES_ACTION


def test_a_refund_that_no_longer_waits_for_the_customer_is_pending_again(world: World):
    invoice = world.paid()
    world.stripe.new_refund_status = "pending"
    refund = world.stripe.refund(world.account_id, invoice.stripe_charge_id, 1_500)
    for number, status in enumerate(("requires_action", "pending")):
        world.stripe.change_refund(world.account_id, refund.id, status)
        world.deliver([event | {"id": f"evt_{number}"} for event in of_type(world, "refund")])

        (shown,) = world.bridge.refunds.list(TENANT, invoice.id)
        assert shown.state.value == status


def test_a_dispute_is_followed_back_and_forth_to_its_present_state(world: World):
    invoice = world.paid()
    dispute = world.stripe.dispute(world.account_id, invoice.stripe_charge_id)
    (opened,) = of_type(world, "charge.dispute")
    world.stripe.change_dispute(world.account_id, dispute.id, "under_review")
    (reviewed,) = of_type(world, "charge.dispute")

    world.deliver([reviewed, opened])

    assert world.invoice(invoice.id).dispute_status == "under_review"


def test_a_dispute_as_it_was_before_others_changed_it_is_not_taken_for_its_present_state(world: World):
    invoice = world.paid()
    dispute = world.stripe.dispute(world.account_id, invoice.stripe_charge_id)
    world.deliver(of_type(world, "charge.dispute"))
    world.stripe.change_dispute(world.account_id, dispute.id, "under_review")
    apply = fetched_earlier(world, of_type(world, "charge.dispute")[0], version=1)
    world.stripe.change_dispute(world.account_id, dispute.id, "won")
    world.deliver(of_type(world, "charge.dispute"))

    assert isinstance(apply(), NeedsRefetch)
    assert world.invoice(invoice.id).dispute_status == "won"
