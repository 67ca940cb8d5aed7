"""Checkout sessions, as far as their events need them."""

from stripe_emulator.api.call import Call
from stripe_emulator.errors import Json, invalid, no_such
from stripe_emulator.identifiers import new_id
from stripe_emulator.store import Record
from stripe_emulator.transaction import Transaction

EVENTS = {
    "completed": "paid",
    "async_payment_succeeded": "paid",
    "async_payment_failed": "unpaid",
    "expired": "unpaid",
}


def retrieve(call: Call) -> Json:
    """GET /v1/checkout/sessions/{session}."""
    return call.record("checkout_sessions", "checkout.session", "session").body


def finish_session(tx: Transaction, event: str, invoice_id: str | None, intent_id: str | None) -> Record:
    """A customer has gone through Stripe's checkout for an invoice or a payment intent."""
    if event not in EVENTS:
        raise invalid(f"Invalid event: must be one of {', '.join(EVENTS)}", "event")
    invoice = tx.store.find("invoices", invoice_id or "")
    intent = tx.store.find("payment_intents", intent_id or "")
    paid_for = invoice or intent
    if paid_for is None:
        raise no_such("invoice or payment intent", invoice_id or intent_id or "", "invoice")
    amount = paid_for.body["total"] if invoice else paid_for.body["amount"]
    body = _shape(tx, paid_for.body, amount, EVENTS[event])
    body["invoice"] = invoice.id if invoice else None
    body["payment_intent"] = intent.id if intent else None
    body["status"] = "expired" if event == "expired" else "complete"
    session = tx.insert("checkout_sessions", paid_for.account, body)
    tx.emit(f"checkout.session.{event}", session)
    return session


def _shape(tx: Transaction, paid_for: Json, amount: int, payment_status: str) -> Json:
    empty = """after_expiration allow_promotion_codes billing_address_collection cancel_url client_reference_id
        consent consent_collection currency_conversion customer_creation customer_details
        discounts integration_identifier locale origin_context payment_link
        payment_method_configuration_details recovered_from saved_payment_method_options setup_intent
        shipping_address_collection shipping_cost submit_type subscription success_url ui_mode url""".split()
    return {
        **dict.fromkeys(empty),
        "id": new_id("cs_test"),
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": False},
        "amount_subtotal": amount,
        "amount_total": amount,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "created": tx.now,
        "currency": paid_for["currency"],
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer": paid_for["customer"],
        "customer_email": None,
        "expires_at": tx.now + 24 * 3600,
        "livemode": False,
        "metadata": {},
        "mode": "payment",
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "payment_status": payment_status,
        "shipping_options": [],
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
    }
