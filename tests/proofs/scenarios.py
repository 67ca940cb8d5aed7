"""What a process may be doing when it dies, and what must be true in the end."""

from collections.abc import Callable
from contextlib import suppress

from stripe_bridge.domain.errors.base import BridgeError
from stripe_bridge.domain.errors.outcomes import InvoiceNotSent
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.refund import RefundState
from stripe_bridge.domain.stripe_objects import StripeInvoiceStatus
from stripe_bridge.domain.webhook_event import EventStatus, SkipReason
from tests.builders import AMOUNT
from tests.proofs.crashing import Scenario
from tests.world import AnyWorld


def an_order(world: AnyWorld) -> None:
    world.connect()
    world.put_order()


def an_order_of_a_known_customer(world: AnyWorld) -> None:
    world.connect()
    world.sent(500)
    world.put_order()


def an_open_invoice(world: AnyWorld) -> None:
    world.connect()
    world.sent()


def a_paid_invoice(world: AnyWorld) -> None:
    world.connect()
    world.paid()


def send(world: AnyWorld) -> None:
    world.send()


def ask_again(world: AnyWorld) -> None:
    """The caller, who got no answer, asks again, perhaps too early."""
    with suppress(InvoiceNotSent):
        world.send()


def one_invoice_was_sent(world: AnyWorld) -> None:
    """It is payable, for the right amount, known here, to a single customer, and emailed."""
    view = world.order()
    if view.open_invoice is None:
        # The process died before anything was stored, as if there had been no request.
        assert [each.metadata.get("sales_order_id") for each in world.at_stripe()].count("501") == 0
        world.send()
        view = world.order()
    ours = view.open_invoice
    assert ours is not None
    theirs = [each for each in world.at_stripe() if each.metadata["sales_order_id"] == "501"]
    assert [(each.id, each.status) for each in theirs] == [(ours.stripe_invoice_id, StripeInvoiceStatus.OPEN)]
    assert theirs[0].total == theirs[0].amount_due == ours.amount == AMOUNT
    assert ours.status is InvoiceStatus.OPEN
    assert ours.hosted_invoice_url
    assert ours.stripe_payment_intent_id
    assert ours.sent_at
    assert ours.stripe_invoice_id in world.mails()
    assert len(world.customers_at_stripe()) == 1


def pay_and_apply(world: AnyWorld) -> None:
    for event in world.events():
        if event["type"] in ("charge.succeeded", "invoice_payment.paid", "invoice.paid"):
            world.receive(event)
    world.work_off()


def paid_for(prepare: Callable[[AnyWorld], None]) -> Callable[[AnyWorld], None]:
    def prepared(world: AnyWorld) -> None:
        prepare(world)
        world.pay(world.invoice(world.invoice_id))

    return prepared


def it_is_paid(world: AnyWorld) -> None:
    invoice = world.invoice(world.invoice_id)
    (at_stripe,) = world.at_stripe()
    assert (invoice.status, at_stripe.status) == (InvoiceStatus.PAID, StripeInvoiceStatus.PAID)
    assert (invoice.amount_paid, invoice.amount_collected) == (AMOUNT, AMOUNT)
    assert invoice.stripe_charge_id in world.links(world.invoice_id)
    assert world.order().outstanding == 0
    shown = [event for event in world.events_stored() if event.skip_reason is not SkipReason.UNKNOWN_TYPE]
    assert {event.status for event in shown} == {EventStatus.PROCESSED}


def reconcile(world: AnyWorld) -> None:
    """No webhook came: reconcile, and let workers apply what was fetched."""
    world.bridge.reconciliation.reconcile(world.integration_id)
    world.work_off()


def void(world: AnyWorld) -> None:
    world.bridge.invoices.void(world.tenant, world.invoice_id)


def void_again(world: AnyWorld) -> None:
    with suppress(BridgeError):
        world.bridge.invoices.void(world.tenant, world.invoice_id)


def it_is_void_and_the_order_is_free(world: AnyWorld) -> None:
    (at_stripe,) = world.at_stripe()
    assert at_stripe.status is StripeInvoiceStatus.VOID
    invoice = world.invoice(world.invoice_id)
    assert (invoice.status, invoice.voided_at is None) == (InvoiceStatus.VOID, False)
    assert world.order().open_invoice is None
    assert world.order().outstanding == AMOUNT


def refund(world: AnyWorld) -> None:
    world.refund(world.invoice_id, 5_000)


def refund_the_same_if_it_was_not_reserved(world: AnyWorld) -> None:
    if not world.bridge.refunds.list(world.tenant, world.invoice_id):
        world.refund(world.invoice_id, 5_000)


def one_refund_was_made(world: AnyWorld) -> None:
    (at_stripe,) = world.refunds_at_stripe()
    (ours,) = world.bridge.refunds.list(world.tenant, world.invoice_id)
    assert (ours.stripe_refund_id, ours.amount, ours.state) == (at_stripe.id, 5_000, RefundState.SUCCEEDED)
    assert world.invoice(world.invoice_id).amount_refunded == 5_000
    assert world.order().outstanding == 5_000


def disconnect(world: AnyWorld) -> None:
    world.bridge.integrations.disconnect(world.tenant, world.integration_id)


def access_is_revoked(world: AnyWorld) -> None:
    assert not world.has_access()
    integration = world.bridge.integrations.show(world.tenant, world.integration_id).integration
    assert (integration.connected, integration.sealed_access_token) == (False, None)
    assert not world.own_endpoints()


def the_order_can_be_invoiced_once(world: AnyWorld) -> None:
    """Whatever was left at Stripe, exactly one invoice of the order is payable there, and it is known here."""
    ours = world.send().view.invoice
    assert ours.status is InvoiceStatus.OPEN
    theirs = [each for each in world.at_stripe() if each.metadata["sales_order_id"] == "501"]
    payable = [each for each in theirs if each.status is not StripeInvoiceStatus.DRAFT]
    assert [(each.id, each.status) for each in payable] == [
        (ours.stripe_invoice_id, StripeInvoiceStatus.OPEN)
    ]
    assert ours.stripe_invoice_id in world.mails()


def an_account_with_its_own_receiver(world: AnyWorld) -> None:
    world.allow_own_endpoints()
    an_open_invoice(world)


def deliver_again(world: AnyWorld) -> None:
    """Stripe, which got no answer, delivers again."""
    pay_and_apply(world)


SENDS = {
    "new-customer": Scenario(prepare=an_order, act=send, check=one_invoice_was_sent),
    "known-customer": Scenario(prepare=an_order_of_a_known_customer, act=send, check=one_invoice_was_sent),
}
SCENARIOS = {
    **{f"send-{name}": scenario for name, scenario in SENDS.items()},
    "receive-and-apply-a-payment": Scenario(
        prepare=paid_for(an_open_invoice), act=pay_and_apply, check=it_is_paid, again=deliver_again
    ),
    "reconcile": Scenario(
        prepare=paid_for(an_open_invoice), act=reconcile, check=it_is_paid, again=reconcile
    ),
    "void": Scenario(
        prepare=an_open_invoice, act=void, check=it_is_void_and_the_order_is_free, again=void_again
    ),
    "refund": Scenario(
        prepare=a_paid_invoice,
        act=refund,
        check=one_refund_was_made,
        again=refund_the_same_if_it_was_not_reserved,
    ),
    "disconnect": Scenario(
        prepare=an_account_with_its_own_receiver, act=disconnect, check=access_is_revoked, again=disconnect
    ),
}
