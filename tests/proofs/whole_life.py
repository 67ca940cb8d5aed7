"""Invoices with all that can become of them."""

import stripe

from stripe_bridge.domain.invoice import Invoice
from tests.builders import AMOUNT
from tests.proofs.emulated_world import EmulatedWorld

# What does not happen to them. Each is shown as another event about the same kind of object.
OTHERS = {
    "credit_note.updated": "credit_note.created",
    "credit_note.voided": "credit_note.created",
    "invoice.deleted": "invoice.finalized",
    "invoice.finalization_failed": "invoice.finalized",
    "invoice.overdue": "invoice.finalized",
    "invoice.payment_action_required": "invoice.finalized",
    "payment_intent.partially_funded": "payment_intent.succeeded",
    "payment_intent.requires_action": "payment_intent.payment_failed",
}


def whole_life(world: EmulatedWorld) -> list[Invoice]:
    control = world.control
    invoices = [world.sent(501 + number) for number in range(9)]
    ids = [str(invoice.stripe_invoice_id) for invoice in invoices]
    in_parts, refunded, disputed, declined, by_bank, at_checkout, written_off, void = ids[1:]
    pay_out_of_band(world, invoices[0])
    control.pay(in_parts, amount=5_000)
    control.pay(in_parts, amount=AMOUNT)
    control.pay(refunded)
    refund = control.refund(world.invoice_charge(), 1_500)
    control.change_refund(refund["id"], "failed")
    control.refund(world.invoice_charge(), 2_500)
    control.pay(disputed)
    for status in ("under_review", "won"):
        control.change_dispute(dispute_of(world), status)
    control.pay(declined, "decline")
    control.credit(declined, 1_000)
    control.pay(by_bank, "processing")
    control.settle_processing(by_bank, "succeed")
    control.pay(at_checkout)
    for event in ("async_payment_failed", "async_payment_succeeded", "completed"):
        control.finish_checkout(event, invoice=at_checkout)
    control.mark_uncollectible(written_off)
    control.void(void)
    control.change_account(world.account_id, {"business_profile": {"name": "Older Shop"}})
    return invoices


def dispute_of(world: EmulatedWorld) -> str:
    known = [each for each in world.control.objects("disputes") if each["account"] == world.account_id]
    return str(known[0]["id"] if known else world.control.dispute(world.invoice_charge())["id"])


def pay_out_of_band(world: EmulatedWorld, invoice: Invoice) -> None:
    client = stripe.StripeClient(
        world.emulator.settings.secret_key, base_addresses=world.emulator.base_addresses
    )
    client.v1.invoices.pay(
        str(invoice.stripe_invoice_id), {"paid_out_of_band": True}, {"stripe_account": world.account_id}
    )
