"""The steps of an invoice: finalize, send, pay, void, mark uncollectible."""

import secrets

from stripe_emulator.api.call import Call
from stripe_emulator.currencies import MAXIMUM_CHARGE
from stripe_emulator.errors import Json, invalid, missing_param
from stripe_emulator.hosted_links import links
from stripe_emulator.resources.customers import move_balance
from stripe_emulator.resources.invoice_shape import show_amounts
from stripe_emulator.resources.payments_flow import (
    cancel_open_payments,
    card_error,
    check_step,
    collect,
    mark_paid,
    payments_of,
    refuse_while_processing,
    request_payment,
)
from stripe_emulator.resources.revisions import original_of
from stripe_emulator.store import Record
from stripe_emulator.transaction import Transaction

CANNOT_SEND = (
    "This invoice cannot be sent right now. Please contact us via https://support.stripe.com/contact with details, so "
    "we can help."
)
NOT_OPEN = "You can only pass in open invoices. This invoice isn't open."
# Stripe's test payment methods, and the outcome of paying with each.
TEST_METHODS = {
    "pm_card_visa": "succeed",
    "pm_card_mastercard": "succeed",
    "pm_card_chargeDeclined": "decline",
    "pm_card_visa_chargeDeclined": "decline",
    "pm_usBankAccount": "processing",
}


def finalize(call: Call) -> Json:
    """POST /v1/invoices/{invoice}/finalize."""
    invoice = call.record("invoices", "invoice", "id")
    if invoice.body["status"] != "draft":
        raise invalid("This invoice is already finalized, you can't re-finalize a non-draft invoice.")
    if "auto_advance" in call.params:
        call.tx.edit(invoice)["auto_advance"] = call.params["auto_advance"]
    finalize_draft(call.tx, invoice)
    return invoice.body


def send(call: Call) -> Json:
    """POST /v1/invoices/{invoice}/send: finalizes a draft, and sends an open one again."""
    invoice = call.record("invoices", "invoice", "invoice")
    body = invoice.body
    if body["status"] not in ("draft", "open"):
        raise invalid(CANNOT_SEND)
    if body["collection_method"] != "send_invoice":
        # Not recorded.
        raise invalid("You can only manually send an invoice if its collection method is 'send_invoice'.")
    if not body["customer_email"]:
        # Not recorded; the words are those for a new invoice.
        raise invalid(
            "Missing email. In order to send invoices to the customer, the customer must have a valid email.",
            "email",
        )
    if body["status"] == "draft":
        finalize_draft(call.tx, invoice)
    call.tx.edit(invoice)
    invoice.hidden["sent"] += 1
    call.tx.emit("invoice.sent", invoice)
    return invoice.body


def pay(call: Call) -> Json:
    """POST /v1/invoices/{invoice}/pay: out of band, or with one of Stripe's test payment methods."""
    invoice = call.record("invoices", "invoice", "id")
    tx, body = call.tx, invoice.body
    if body["status"] == "paid":
        raise invalid("Invoice is already paid")
    if body["status"] == "void":
        raise invalid("Voided invoices cannot be paid.")
    if call.params.get("paid_out_of_band"):
        if body["status"] == "draft":
            finalize_draft(tx, invoice)
        _pay_out_of_band(tx, invoice)
        return invoice.body
    method = call.params.get("payment_method")
    if method is None:
        raise invalid(
            "There is no `default_payment_method` set on this Customer or Invoice. Please set one, or pass a "
            "`payment_method`, prior to calling pay on this invoice."
        )
    if method not in TEST_METHODS:
        raise invalid(f"No such PaymentMethod: '{method}'", "payment_method", "resource_missing")
    if body["status"] == "draft":
        finalize_draft(tx, invoice)
    if body["status"] == "paid":
        return invoice.body
    attempt = collect(tx, invoice, TEST_METHODS[method])
    if attempt.body["status"] == "failed":
        raise card_error(attempt)
    return invoice.body


def void(call: Call) -> Json:
    """POST /v1/invoices/{invoice}/void."""
    invoice = call.record("invoices", "invoice", "id")
    void_invoice(call.tx, invoice)
    return invoice.body


def mark_uncollectible(call: Call) -> Json:
    """POST /v1/invoices/{invoice}/mark_uncollectible."""
    invoice = call.record("invoices", "invoice", "id")
    mark_invoice_uncollectible(call.tx, invoice)
    return invoice.body


def finalize_draft(tx: Transaction, invoice: Record) -> None:
    """Number the invoice, apply the customer's balance, and ask for what is due."""
    original = original_of(tx, invoice)
    show_amounts(tx, invoice)
    body = tx.edit(invoice)
    if body["amount_due"] > MAXIMUM_CHARGE:
        # Not recorded.
        raise invalid("Amount must be no more than 999999999999", code="amount_too_large")
    check_step(body["amount_due"], body["currency"])
    customer = tx.store.find("customers", body["customer"])
    if customer is None:
        raise missing_param("customer")
    counter = customer.body["next_invoice_sequence"]
    tx.edit(customer)["next_invoice_sequence"] = counter + 1
    token = secrets.token_urlsafe(24)
    invoice.hidden["token"] = token
    ending = body["total"] + body["starting_balance"] - body["amount_due"]
    invoice.hidden["balance_applied"] = ending - body["starting_balance"]
    body.update(
        status="open",
        number=body["number"] or f"{customer.body['invoice_prefix']}-{counter:04}",
        effective_at=body["effective_at"] or tx.now,
        ending_balance=ending,
        automatically_finalizes_at=None,
        **links(f"{tx.url}/i/{invoice.account}/{token}", tx.now),
    )
    body["status_transitions"]["finalized_at"] = tx.now
    applied = "applied_to_invoice" if body["amount_due"] or not body["total"] else "invoice_too_small"
    move_balance(tx, customer, invoice.hidden["balance_applied"], applied, invoice.id)
    if body["amount_due"] > 0:
        request_payment(tx, invoice, body["amount_due"], is_default=True)
    tx.emit("invoice.finalized", invoice)
    tx.emit_update("invoice.updated", invoice)
    if original is not None:
        tx.edit(original)["latest_revision"] = invoice.id
        _void(tx, original)
    if body["amount_due"] == 0:
        tx.edit(invoice)["attempted"] = True
        mark_paid(tx, invoice)
        tx.emit("invoice.payment_succeeded", invoice)


def void_invoice(tx: Transaction, invoice: Record) -> None:
    """Void an invoice; its amounts stay as they were."""
    body = invoice.body
    if body["status"] == "paid" or payments_of(tx, invoice, "paid"):
        raise invalid("Invoices with `paid` payments cannot be voided.")
    voidable = ("open", "uncollectible") if tx.settings.void_uncollectible else ("open",)
    if body["status"] not in voidable:
        raise invalid(NOT_OPEN)
    refuse_while_processing(tx, invoice)
    _void(tx, invoice)


def _void(tx: Transaction, invoice: Record) -> None:
    body = tx.edit(invoice)
    body["status"] = "void"
    body["auto_advance"] = False
    body["status_transitions"]["voided_at"] = tx.now
    cancel_open_payments(tx, invoice, "void_invoice")
    customer = tx.store.find("customers", body["customer"])
    if customer is not None:
        move_balance(tx, customer, -invoice.hidden["balance_applied"], "unapplied_from_invoice", invoice.id)
    tx.emit("invoice.voided", invoice)
    tx.emit_update("invoice.updated", invoice)


def mark_invoice_uncollectible(tx: Transaction, invoice: Record) -> None:
    """Write an invoice off; it can still be paid."""
    body = invoice.body
    if body["status"] == "uncollectible":
        raise invalid("This invoice has already been marked uncollectible.")
    if body["status"] != "open":
        raise invalid(NOT_OPEN)
    refuse_while_processing(tx, invoice)
    tx.edit(invoice)["status"] = "uncollectible"
    body["auto_advance"] = False
    body["status_details"] = {"uncollectible": {"reason": "user_forgiven"}}
    body["status_transitions"]["marked_uncollectible_at"] = tx.now
    tx.emit("invoice.marked_uncollectible", invoice)
    tx.emit_update("invoice.updated", invoice)


def _pay_out_of_band(tx: Transaction, invoice: Record) -> None:
    if invoice.body["status"] == "paid":
        return
    refuse_while_processing(tx, invoice)
    body = tx.edit(invoice)
    body["amount_paid"] += body["amount_remaining"]
    body["amount_paid_off_stripe"] += body["amount_remaining"]
    body["amount_remaining"] = 0
    cancel_open_payments(tx, invoice, None)
    mark_paid(tx, invoice)
