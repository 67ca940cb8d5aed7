"""Payment intents, charges, payment methods and invoice payments, as the API shows them."""

from stripe_emulator.api.call import Call
from stripe_emulator.api.listing import page
from stripe_emulator.api.metadata import merged_metadata
from stripe_emulator.errors import Json, invalid, no_such
from stripe_emulator.resources.payment_shapes import payment_method
from stripe_emulator.store import Record


def retrieve_intent(call: Call) -> Json:
    """GET /v1/payment_intents/{intent}."""
    return call.record("payment_intents", "payment_intent", "intent").body


def list_intents(call: Call) -> Json:
    """GET /v1/payment_intents."""
    customer = call.params.get("customer")
    return page(
        call,
        "payment_intents",
        "/v1/payment_intents",
        lambda record: customer in (None, record.body["customer"]),
    )


def cancel_intent(call: Call) -> Json:
    """POST /v1/payment_intents/{intent}/cancel: every intent here belongs to an invoice."""
    call.record("payment_intents", "payment_intent", "intent")
    # Not recorded.
    raise invalid(
        "You cannot cancel this PaymentIntent because it was created by an Invoice. To cancel it, void the invoice.",
        code="payment_intent_unexpected_state",
    )


def retrieve_charge(call: Call) -> Json:
    """GET /v1/charges/{charge}."""
    return call.record("charges", "charge", "id").body


def update_charge(call: Call) -> Json:
    """POST /v1/charges/{charge}: its metadata and description."""
    record = call.record("charges", "charge", "id")
    body = call.tx.edit(record)
    body["metadata"] = merged_metadata(body["metadata"], call.params.get("metadata"))
    body["description"] = call.params.get("description", body["description"])
    call.tx.emit_update("charge.updated", record)
    return body


def list_charges(call: Call) -> Json:
    """GET /v1/charges."""
    intent, customer = call.params.get("payment_intent"), call.params.get("customer")
    among = _newest_of(call, "charges", "payment_intent", intent) if intent else None
    return page(call, "charges", "/v1/charges", lambda one: customer in (None, one.body["customer"]), among)


def retrieve_payment_method(call: Call) -> Json:
    """GET /v1/payment_methods/{payment_method}: those that charges were made with; attached to no customer."""
    wanted = call.ids[0]
    for charge in _newest_of(call, "charges", "payment_method", wanted):
        return payment_method(charge)
    raise no_such("PaymentMethod", wanted, "payment_method")


def retrieve_invoice_payment(call: Call) -> Json:
    """GET /v1/invoice_payments/{invoice_payment}."""
    return call.record("invoice_payments", "invoice_payment", "invoice_payment").body


def list_invoice_payments(call: Call) -> Json:
    """GET /v1/invoice_payments: those of an invoice, or that of a payment intent."""
    params = call.params
    intent = params.get("payment", {}).get("payment_intent")
    among = None
    if "invoice" in params:
        call.record("invoices", "invoice", "invoice", params["invoice"])
        among = _newest_of(call, "invoice_payments", "invoice", params["invoice"])
    elif intent:
        among = _newest_of(call, "invoice_payments", "payment_intent", intent)

    def matches(payment: Record) -> bool:
        if intent and payment.hidden["payment_intent"] != intent:
            return False
        return params.get("status") in (None, payment.body["status"])

    return page(call, "invoice_payments", "/v1/invoice_payments", matches, among)


def _newest_of(call: Call, kind: str, field: str, value: str) -> list[Record]:
    found = call.tx.store.where(kind, field, value)
    return [record for record in reversed(found) if record.account == call.account]
